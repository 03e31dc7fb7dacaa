"""What others publish: fetched once for all who ask, renewed in time, and kept while its source is away."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from gateway_runtime.fetching.client import Fetched, FetchError
from gateway_runtime.fetching.remote import MAX_AGE_SECONDS, Remote, Remotes
from gateway_runtime.fetching.url import Url
from gateway_runtime.testing import FakeClock
from gateway_runtime.upstream.connecting import Surroundings

URL = "https://login.example/keys"


class Source:
    """A fake server: answers with `body`, or fails with `failure`; holds its answers back while `gate` is closed."""

    def __init__(self) -> None:
        self.body = b"1"
        self.failure: Exception | None = None
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, url: Url, surroundings: Surroundings, *, limit: int, **more: Any) -> Fetched:
        assert url.host == "login.example"
        assert limit == 512 * 1024
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Fetched(200, {}, self.body)


def parse(data: bytes) -> list[str]:
    if data == b"bad":
        raise ValueError("bad")
    return [data.decode()]


Scenario = Callable[[Source, FakeClock, Remote], Awaitable[None]]


def play(scenario: Scenario) -> None:
    async def whole() -> None:
        source, clock = Source(), FakeClock()
        remotes = Remotes(None, clock, source.fetch)
        await scenario(source, clock, remotes.get(URL, parse, ttl=100.0, seconds=1.0))

    asyncio.run(whole())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_nothing_is_fetched_before_it_is_asked_for() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        assert remote.current() is None
        await settle()
        assert source.asked == 0
        assert await remote.latest() == ["1"]
        assert remote.current() == ["1"]

    play(scenario)


def test_all_who_ask_at_once_share_one_fetch_and_none_can_end_it() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        source.gate.clear()
        tasks = [asyncio.get_running_loop().create_task(remote.latest()) for _ in range(50)]
        await settle()
        tasks[0].cancel()
        await settle()
        source.gate.set()
        assert await asyncio.gather(*tasks[1:]) == [["1"]] * 49
        assert source.asked == 1

    play(scenario)


def test_who_comes_to_wait_when_it_is_there_fetches_nothing() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        first = await remote.latest()
        assert await remote.latest() is first
        assert source.asked == 1

    play(scenario)


def test_it_is_renewed_in_the_background_before_its_time_is_over() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        first = await remote.latest()
        clock.advance(79)
        assert remote.current() is first
        assert source.asked == 1
        clock.advance(1)
        source.body = b"2"
        assert remote.current() is first
        await settle()
        assert remote.current() == ["2"]
        assert source.asked == 2

    play(scenario)


def test_an_equal_document_stays_the_same_object() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        first = await remote.latest()
        clock.advance(90)
        remote.current()
        await settle()
        assert source.asked == 2
        assert remote.current() is first

    play(scenario)


def test_after_its_time_a_request_waits_for_the_new_one() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        await remote.latest()
        clock.advance(100)
        source.body = b"2"
        assert remote.current() is None
        assert await remote.latest() == ["2"]

    play(scenario)


@pytest.mark.parametrize("failure", [FetchError("timeout"), ValueError("x"), RuntimeError("x"), None])
def test_the_last_good_one_is_used_while_the_source_fails_and_asked_for_ever_more_seldom(
    failure: Exception | None,
) -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        await remote.latest()
        source.failure = failure
        source.body = b"bad"
        clock.advance(100)
        assert await remote.latest() == ["1"]
        asked = []
        for _ in range(200):
            clock.advance(1)
            assert remote.current() == ["1"]
            await settle()
            asked.append(source.asked)
        gaps = [second for second in range(1, 200) if asked[second] != asked[second - 1]]
        # After 1, 2, 4, … seconds, and not more seldom than once a minute.
        assert [b - a for a, b in pairwise(gaps)] == [4, 8, 16, 32, 60, 60]
        source.failure, source.body = None, b"3"
        clock.advance(60)
        remote.current()
        await settle()
        assert remote.current() == ["3"]
        assert not remote.fails()

    play(scenario)


def test_the_last_good_one_has_an_end() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        await remote.latest()
        source.failure = FetchError("refused")
        clock.advance(MAX_AGE_SECONDS - 1)
        assert await remote.latest() == ["1"]
        clock.advance(1)
        assert remote.current() is None
        assert await remote.latest() is None

    play(scenario)


def test_a_source_that_has_never_answered_is_not_asked_by_every_request() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        source.failure = FetchError("refused")
        for _ in range(20):
            assert remote.current() is None
            assert await remote.latest() is None
        assert source.asked == 1
        assert remote.fails()
        clock.advance(1)
        source.failure = None
        assert await remote.latest() == ["1"]

    play(scenario)


def test_what_lacks_something_is_fetched_anew_but_not_by_every_caller() -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        await remote.latest()
        assert not remote.may_ask_again()
        assert await remote.newer() == ["1"]
        assert source.asked == 1
        clock.advance(10)
        source.body = b"2"
        assert remote.may_ask_again()
        assert await remote.newer() == ["2"]
        for _ in range(20):
            await remote.newer()
        assert source.asked == 2

    play(scenario)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_only_200_is_a_document(status: int) -> None:
    async def scenario(source: Source, clock: FakeClock, remote: Remote) -> None:
        async def fetch(url: Url, surroundings: Surroundings, **more: Any) -> Fetched:
            return Fetched(status, {b"location": b"http://169.254.169.254/"}, b"1")

        remote._of.fetch = fetch
        assert await remote.latest() is None

    play(scenario)


def test_one_document_is_shared_as_long_as_somebody_holds_it() -> None:
    remotes = Remotes(None, FakeClock())
    first = remotes.get(URL, parse, ttl=100.0, seconds=1.0)
    assert remotes.get(URL, parse, ttl=100.0, seconds=1.0) is first
    assert remotes.get(URL, parse, ttl=200.0, seconds=1.0) is not first
    first.value = ["kept"]
    del first
    gc.collect()
    assert remotes.get(URL, parse, ttl=100.0, seconds=1.0).value is None
