"""What somebody else says of tokens: kept by the digest of the token, and asked for once by all who bring the same."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from gateway_runtime.clock import Clock
from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.questions import Questions, TooManyQuestions
from gateway_runtime.log import log
from gateway_runtime.policies.context import PolicyRuntime, RequestContext

TOKEN_LIMIT = 16 * 1024
# A refusal is repeated for so long without asking again, and so many of them: enough for a caller in a tight loop.
REFUSED_SECONDS = 2.0
REFUSED_LIMIT = 1000
# Who has failed to answer so often in a row is not asked for a moment.
FAILURES, PAUSE_SECONDS = 3, 1.0

_token68 = re.compile(rb"[A-Za-z0-9._~+/-]+=*").fullmatch


class TokenRefused(Exception):
    """A token is refused, or it cannot be found out whether it is good. `reason` is one of those of the policy."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Known(NamedTuple):
    """A token that is good. `until` is when to ask again, in seconds since 1970; `basis` is what that rests on."""

    until: float
    basis: Any
    scopes: frozenset[str]
    client: bytes
    principal: bytes
    properties: dict[str, Any]  # what later expressions find in authentication.properties
    headers: list[tuple[bytes, bytes]]  # what the service may be told


def read_bearer(context: RequestContext) -> bytes | None:
    """Return the token of `Authorization: Bearer`, None where there is none, or more than one header."""
    value = context.only_header(b"authorization")
    if value is None or value[:7].lower() != b"bearer ":
        return None
    return value[7:].strip(b" ") or None


def is_token(token: bytes) -> bool:
    """Tell whether somebody needs to be asked about it: it is written as tokens are (RFC 6750 section 2.1)."""
    return len(token) <= TOKEN_LIMIT and _token68(token) is not None


class TokenAnswers:
    """The answers that one binding knows.

    `good` outlives a revision. Refusals are kept apart and only for a moment, so that tokens somebody has thought up
    never push out those that are good.
    """

    __slots__ = ("_ask", "_clock", "_entries", "_failures", "_not_before", "_of", "_questions", "_refused",
                 "good")  # fmt: skip

    def __init__(
        self,
        runtime: PolicyRuntime,
        name: str,
        ask: Callable[[bytes], Awaitable[Known]],
        *,
        of: str,
        entries: int,
    ) -> None:
        """`ask` raises `TokenRefused` or `FetchError`. `of` says who is asked, `name` tells settings apart."""
        kept: dict[str, dict[bytes, Known]] = runtime.keep("tokens", dict)
        # Who wants none remembered does not want those of the revision before either.
        self.good = kept.setdefault(name, {}) if entries else {}
        # Those of the revision that serves and of the one that is being built; settings before them are history.
        while len(kept) > 2:
            del kept[next(key for key in kept if key != name)]
        self._ask = ask
        self._of = of
        self._entries = entries
        self._clock: Clock = runtime.clock
        self._refused: dict[bytes, tuple[float, str]] = {}
        self._questions: Questions[Known] = Questions("token")
        self._failures = 0
        self._not_before = 0.0

    def refused(self, digest: bytes) -> str | None:
        """Return why a token is refused where that is still known."""
        found = self._refused.get(digest)
        if found is None:
            return None
        if self._clock() < found[0]:
            return found[1]
        del self._refused[digest]
        return None

    async def of(self, digest: bytes, token: bytes) -> Known:
        """Ask about a token, together with all who bring it now. Raises `TokenRefused`."""
        try:
            return await self._questions.answer(digest, lambda: self._asked(digest, token))
        except TooManyQuestions:
            raise TokenRefused("unavailable") from None

    async def _asked(self, digest: bytes, token: bytes) -> Known:
        # Looked at when its turn has come: others may have failed while this question waited.
        if self._clock() < self._not_before:
            raise TokenRefused("unavailable")
        try:
            known = await self._ask(token)
        except TokenRefused as error:
            self._answered()
            self._refuse(digest, error.reason)
            raise
        except FetchError as error:
            self._failed(error.code)
            raise TokenRefused("unavailable") from None
        self._answered()
        self._keep(digest, known)
        return known

    def _keep(self, digest: bytes, known: Known) -> None:
        if not self._entries:
            return
        self.good.pop(digest, None)
        # What was asked about first goes first; fewer entries may be wanted than in the revision before.
        while len(self.good) >= self._entries:
            del self.good[next(iter(self.good))]
        self.good[digest] = known

    def _refuse(self, digest: bytes, reason: str) -> None:
        self.good.pop(digest, None)
        if len(self._refused) >= REFUSED_LIMIT:
            del self._refused[next(iter(self._refused))]
        self._refused[digest] = (self._clock() + REFUSED_SECONDS, reason)

    def _answered(self) -> None:
        if self._failures >= FAILURES:
            log.info("token_check_back", host=self._of)
        self._failures = 0

    def _failed(self, code: str) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._not_before = self._clock() + PAUSE_SECONDS
        if self._failures in (1, FAILURES):
            log.warning("token_check_failed", host=self._of, code=code, failures=self._failures)
