"""An access token of the gateway's own: fetched once for all who need it, renewed in time, kept over revisions."""

from __future__ import annotations

import enum
import re
from base64 import b64encode
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.questions import Questions
from gateway_runtime.fetching.url import Url
from gateway_runtime.log import log
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.jwt_keys import strict_json

# How long a token lives whose server does not say it, and the longest that is believed.
USUAL_SECONDS, LONGEST_SECONDS = 300.0, 24 * 3600.0
RENEW_AT = 0.8
# A request takes a while to get to the service.
MARGIN_SECONDS = 10.0
# A service that always says 401 makes the gateway ask for another token so often.
ANOTHER_SECONDS = 5.0
FIRST_BACK_OFF, LAST_BACK_OFF = 1.0, 60.0

_token68 = re.compile(r"[A-Za-z0-9._~+/-]{1,16000}=*").fullmatch


class GrantType(enum.StrEnum):
    """By what right a token is asked for."""

    CLIENT_CREDENTIALS = "clientCredentials"
    PASSWORD = "password"  # noqa: S105 — the name of a grant


class Location(enum.StrEnum):
    """Where the client's credentials stand in the question."""

    BODY = "body"
    HEADER = "header"


class TokenRequest(NamedTuple):
    """What is asked for, and with which credentials. Two that are equal get the same tokens."""

    url: Url
    grant: GrantType
    client_id: str
    client_secret: str
    location: Location
    scopes: tuple[str, ...]
    username: str
    password: str

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers of the question."""
        plain = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
        if self.location is Location.BODY:
            return plain
        # RFC 6749 section 2.3.1: both parts are encoded as in a form first.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return (*plain, ("authorization", "Basic " + b64encode(pair.encode()).decode()))

    def body(self) -> bytes:
        """Return the form."""
        password = self.grant is GrantType.PASSWORD
        fields = [("grant_type", "password" if password else "client_credentials")]
        if password:
            fields += [("username", self.username), ("password", self.password)]
        if self.scopes:
            fields.append(("scope", " ".join(self.scopes)))
        if self.location is Location.BODY:
            fields += [("client_id", self.client_id), ("client_secret", self.client_secret)]
        return urlencode(fields).encode()


class BackendToken:
    """The token of one request for tokens. `serve` says for which revision it works now."""

    __slots__ = ("_failures", "_fetched", "_good_until", "_not_before", "_questions", "_renew_at", "_request",
                 "_runtime", "_seconds", "_value")  # fmt: skip

    def __init__(self, request: TokenRequest) -> None:
        self._request = request
        self._value: bytes | None = None
        self._fetched = self._renew_at = self._good_until = self._not_before = 0.0
        self._failures = 0
        self._questions: Questions[None] = Questions(f"token {request.url.authority}")

    def serve(self, runtime: PolicyRuntime, seconds: float) -> None:
        """Take how to ask: `seconds` are for one answer."""
        self._runtime = runtime
        self._seconds = seconds

    def current(self) -> bytes | None:
        """Return the value of the header if there is one, else None: then ask `latest`. Renews it when that is due."""
        now = self._runtime.clock()
        if now < self._renew_at:
            return self._value
        if now < self._good_until:
            if now >= self._not_before:
                self._questions.start(None, self._fetch)
            return self._value
        return None

    async def latest(self) -> bytes | None:
        """Wait for the header's value. None where no token can be had."""
        # Between the question and this task's turn, another one may have fetched it.
        if (value := self.current()) is not None:
            return value
        if self._runtime.clock() >= self._not_before:
            await self._questions.answer(None, self._fetch)
        return self._value if self._runtime.clock() < self._good_until else None

    def refused(self, value: bytes) -> None:
        """The service has not accepted this value."""
        if value == self._value and self._runtime.clock() >= self._fetched + ANOTHER_SECONDS:
            self._good_until = self._renew_at = 0.0

    async def _fetch(self) -> None:
        try:
            answer = await self._runtime.ask(
                self._request.url, seconds=self._seconds, method="POST",
                headers=self._request.headers(), body=self._request.body(),
            )  # fmt: skip
            if answer.status != 200:
                raise FetchError(f"status_{answer.status}")
            value, lives = read_token_answer(answer.body)
        except (FetchError, ValueError) as error:
            self._failures += 1
            pause = min(FIRST_BACK_OFF * 2 ** (self._failures - 1), LAST_BACK_OFF)
            self._not_before = self._runtime.clock() + pause
            code = error.code if isinstance(error, FetchError) else "unreadable"
            log.warning("backend_token_failed", host=self._request.url.authority, code=code, failures=self._failures)
        else:
            now = self._runtime.clock()
            self._failures, self._not_before = 0, 0.0
            self._value, self._fetched = value, now
            self._good_until = now + max(lives - MARGIN_SECONDS, lives / 2)
            self._renew_at = min(now + lives * RENEW_AT, self._good_until)


def read_token_answer(body: bytes) -> tuple[bytes, float]:
    """Return the header's value and how long it lives. Raises `ValueError` for what is no bearer token."""
    answer: Any = strict_json(body)
    if not isinstance(answer, dict):
        raise ValueError("no token")
    token, kind, lives = answer.get("access_token"), answer.get("token_type"), answer.get("expires_in", USUAL_SECONDS)
    if not isinstance(token, str) or not _token68(token) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("no bearer token")
    if isinstance(lives, str) and lives.isascii() and lives.isdigit() and len(lives) < 10:
        # Some servers write the number as a text.
        lives = int(lives)
    if isinstance(lives, bool) or not isinstance(lives, int | float) or not lives > 0:
        raise ValueError("no time")
    return b"Bearer " + token.encode(), float(min(lives, LONGEST_SECONDS))
