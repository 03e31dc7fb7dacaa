"""Directories as policies use them: questions in a few threads, one for the same credentials, answers remembered."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from gateway_runtime.clock import Clock, monotonic
from gateway_runtime.directories.ldap import DirectoryError, Finding, LdapSettings
from gateway_runtime.outages import Outage
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.resolving import Resolver

if TYPE_CHECKING:
    from gateway_runtime.directories.question import Question

# Questions to one directory at a time, and callers that may wait for their turn.
THREADS = 4
WAITING = 100
REMEMBERED = 10_000
# A wrong password that is sent again and again costs the directory one question in this time.
REFUSED_SECONDS = 1.0

MakeQuestion = Callable[[LdapSettings, str, bytes], "Question"]


class Answer(NamedTuple):
    """What the directory has said of some credentials, until when that holds, and whom they belong to."""

    finding: Finding
    until: float
    principal: bytes
    properties: dict[str, Any]  # what later expressions find in authentication.properties


class Directory:
    """One directory, for all APIs and revisions that ask it in the same way.

    Credentials are remembered by a digest with a key of this process, never as they are.
    """

    __slots__ = (
        "__weakref__", "_asking", "_clock", "_key", "_make", "_settings", "_surroundings", "_threads",
        "known", "outage",
    )  # fmt: skip

    def __init__(self, settings: LdapSettings, surroundings: Surroundings, clock: Clock, make: MakeQuestion) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._clock = clock
        self._make = make
        self._key = os.urandom(32)
        self._threads: ThreadPoolExecutor | None = None
        self._asking: dict[bytes, asyncio.Task[Answer | None]] = {}
        where = f"{settings.host}:{settings.port}"
        sentence = f"The directory {where} cannot be asked ({{code}}). Callers who are not known yet get 503."
        self.outage = Outage("directory", clock, sentence, host=settings.host, port=settings.port)
        # Answers by digest. What is over is looked at by nobody and pushed out by newer ones.
        self.known: dict[bytes, Answer] = {}

    def digest(self, credentials: bytes) -> bytes:
        """Return what stands for credentials."""
        return blake2b(credentials, key=self._key, digest_size=16).digest()

    async def ask(self, digest: bytes, name: str, password: bytes) -> Answer | None:
        """Return what the directory says, None where it cannot be asked. Who asks the same shares one question."""
        asking = self._asking.get(digest)
        if asking is None:
            if len(self._asking) >= THREADS + WAITING:
                self.outage.failed("busy")
                return None
            asking = self._asking[digest] = spawn("ask-directory", self._ask(digest, name, password))
        # A request that is given up must not take the answer from the others.
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes, name: str, password: bytes) -> Answer | None:
        settings = self._settings
        question = self._make(settings, name, password)
        try:
            async with asyncio.timeout(settings.seconds):
                addresses = await self._surroundings.addresses(settings.host, settings.port)
                if self._threads is None:
                    self._threads = ThreadPoolExecutor(THREADS, "directory")
                loop = asyncio.get_running_loop()
                finding = await loop.run_in_executor(self._threads, question.ask, addresses)
        except TimeoutError:
            self.outage.failed("timeout")
            return None
        except UpstreamError as error:
            self.outage.failed(error.response.code.removeprefix("upstream_"))
            return None
        except DirectoryError as error:
            self.outage.failed(error.code)
            return None
        finally:
            question.give_up()
            del self._asking[digest]
        self.outage.worked()
        return self._remember(digest, finding, name, question.dn)

    def _remember(self, digest: bytes, finding: Finding, name: str, dn: str) -> Answer:
        seconds = self._settings.remember_seconds if finding is Finding.VERIFIED else REFUSED_SECONDS
        answer = Answer(finding, self._clock() + seconds, name.encode(), {"dn": dn})
        self.known.pop(digest, None)
        if len(self.known) >= REMEMBERED:
            del self.known[next(iter(self.known))]
        self.known[digest] = answer
        return answer


class Directories:
    """Every directory that a worker's policies use now."""

    def __init__(
        self,
        surroundings: Surroundings | None = None,
        clock: Clock = monotonic,
        make: MakeQuestion | None = None,
    ) -> None:
        self._surroundings = Surroundings(Resolver()) if surroundings is None else surroundings
        self._clock = clock
        self._make = make
        # What no policy of any snapshot holds any more is forgotten, with all that it has remembered.
        self._known: WeakValueDictionary[LdapSettings, Directory] = WeakValueDictionary()

    def get(self, settings: LdapSettings) -> Directory:
        """Return the directory with these settings."""
        found = self._known.get(settings)
        if found is None:
            if self._make is None:
                # With it comes the library, which only workers with a directory need.
                from gateway_runtime.directories.question import Question

                self._make = Question
            found = self._known[settings] = Directory(settings, self._surroundings, self._clock, self._make)
        return found
