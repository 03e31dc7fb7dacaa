"""A fake of somebody who is asked: says what he is told to say, and remembers what he was asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from gateway_runtime.fetching.client import Fetched, FetchError
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.url import Url
from gateway_runtime.policies.results import Response
from gateway_runtime.testing import FakeClock, PolicyCase, policy_case, request
from gateway_runtime.upstream.asking import Answered
from gateway_runtime.upstream.connecting import Surroundings

Answer = Fetched | FetchError


def says(document: Any, status: int = 200) -> Fetched:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Fetched(status, {}, body)


class FakeProvider:
    """Answers every URL with what `answers` says of its path, or with `otherwise`. Closed gates hold answers back."""

    def __init__(self, otherwise: Answer | None = None, **answers: Answer) -> None:
        self.otherwise = otherwise if otherwise is not None else says({"active": True})
        self.answers = answers
        self.asked: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.seconds = 0.0
        self.clock = FakeClock()
        self.remotes = Remotes(None, self.clock, self.fetch)
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, url: Url, surroundings: Surroundings, **more: Any) -> Fetched:
        return await self._answer(url.target, b"", dict(more["headers"]), more["seconds"])

    def at(self, url: Url) -> "FakeProvider":
        return self

    async def ask(self, method: bytes, path: bytes, lines: Any, body: bytes, **more: Any) -> Answered:
        headers = dict(line.decode().split(": ", 1) for line in lines)
        found = await self._answer(path.decode(), body, headers, more["seconds"])
        return Answered(found.status, [], found.body, [])

    async def _answer(self, target: str, body: bytes, headers: dict[str, str], seconds: float) -> Fetched:
        self.asked.append((target, body))
        self.headers.append(headers)
        self.seconds = seconds
        await self.gate.wait()
        await asyncio.sleep(0)
        found = self.answers.get(target.rpartition("/")[2], self.otherwise)
        if isinstance(found, FetchError):
            raise found
        return found

    def case(self, name: str, config: dict[str, Any], **more: Any) -> PolicyCase:
        return policy_case(name, config, clock=self.clock, remotes=self.remotes, services=self, **more)  # type: ignore[arg-type]


async def verdict(case: PolicyCase, token: str | None = "good", **more: Any) -> tuple[int, str]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    refused = await case.ask(request(headers=headers, **more))
    return (200, "") if refused is None else (refused.status, refused.code)


def waits(case: PolicyCase, token: str = "good") -> bool:
    """Tell whether a request would wait for somebody."""
    assert case.handlers.request_headers is not None
    result = case.handlers.request_headers(request(headers={"authorization": f"Bearer {token}"}))
    if result is None or isinstance(result, Response):
        return False
    result.close()
    return True


def play(
    scenario: Callable[[FakeProvider], Awaitable[None]], provider: Callable[[], FakeProvider] = FakeProvider
) -> None:
    async def whole() -> None:
        await scenario(provider())

    asyncio.run(whole())
