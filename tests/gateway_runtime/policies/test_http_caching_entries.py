import asyncio
from typing import Any

import pytest

from gateway_runtime.policies.http_caching_entries import Entry, Memory, Shared
from gateway_runtime.state.pipe import UNKNOWN
from gateway_runtime.testing import FakeClock, policy_case, request

from .caching import NAME, Front

# Room


def test_the_oldest_goes_when_there_is_no_room() -> None:
    front = Front(maxCacheEntries=2)
    for path in ("/a", "/b", "/a", "/c"):
        front.get(path)
    assert front.get("/a") is None
    assert front.get("/c") is not None


def test_another_number_of_entries_in_the_next_revision_keeps_one_store_with_what_it_has() -> None:
    first = Front(maxCacheEntries=10)
    for path in ("/a", "/b", "/c"):
        first.get(path)
    second = Front(policy_case(NAME, {"maxCacheEntries": 2}, kept=first.case.kept))
    assert second.get("/a") is not None
    assert [type(each) for each in first.case.kept.values()] == [Memory]
    second.get("/d")
    assert [second.get(path) is not None for path in ("/d", "/c", "/b")] == [True, True, False]


def test_the_bytes_of_all_entries_are_bounded_and_counted_rightly() -> None:
    memory = Memory(FakeClock(), entries=1000, total_bytes=20_000)
    for number in range(50):
        entry = Entry(200, ((b"a", b"b"),), bytes(1000), 1000.0, 2000.0)
        memory.keep(f"k{number % 20}", (b"x",) if number % 3 else (), [(b"x", b"%d" % number)], entry)
        assert memory.size <= 20_000
    memory.keep("large", (), [], Entry(200, (), bytes(30_000), 1000.0, 2000.0))
    assert memory.find("large", []) is None
    for key in list(memory._kept):
        memory.forget(key)
    assert memory.size == 0


# Shared


class FakeCache:
    """A shared storage as far as it is used."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.kept, self.away = clock, dict[str, tuple[float, bytes]](), False

    async def get(self, key: str) -> Any:
        await asyncio.sleep(0)
        if self.away:
            return UNKNOWN
        until, value = self.kept.get(key, (0.0, None))
        return value if until > self.clock() else None

    async def set(self, key: str, value: bytes, seconds: float) -> bool:
        if not self.away and seconds > 0:
            self.kept[key] = (self.clock() + seconds, value)
        return not self.away


class FakeStorage:
    def __init__(self, clock: FakeClock) -> None:
        self.made = FakeCache(clock)

    def cache(self, owner: str) -> FakeCache:
        return self.made


class Replicas:
    """Two gateways with one storage."""

    def __init__(self, **config: Any) -> None:
        self.clock = FakeClock()
        self.storage = FakeStorage(self.clock)
        self.cases = [policy_case(NAME, config, clock=self.clock, shared=self.storage) for _ in range(2)]
        self.asked = 0

    async def get(
        self, replica: int = 0, headers: dict[str, str] | None = None, path: str = "/a", **answer: Any
    ) -> Any:
        case = self.cases[replica]
        context = request("GET", path, {"host": "shop.example", **(headers or {})})
        found = await case.ask(context)
        if found is None:
            self.asked += 1
            Front(case).respond(context, **answer)
            for _ in range(10):
                await asyncio.sleep(0)
        return found


@pytest.mark.parametrize("config", [{"distributed": True}, {"persistCache": True}])
def test_replicas_give_each_others_answers(config: dict[str, Any]) -> None:
    async def scenario() -> None:
        made = Replicas(ttl=60, **config)
        assert await made.get(0, answer={"content-type": "text/plain"}) is None
        made.clock.advance(5)
        found = await made.get(1)
        assert (found.status, found.body) == (200, b"body")
        assert dict(found.headers)[b"age"] == b"5"
        made.clock.advance(56)
        assert await made.get(1) is None

    asyncio.run(scenario())


def test_replicas_know_variants_and_forget_together() -> None:
    async def scenario() -> None:
        made = Replicas(distributed=True, invalidationHeader="x-cache")
        vary = {"vary": "accept-language"}
        for language in ("de", "en"):
            await made.get(0, {"accept-language": language}, answer=vary, body=language.encode())
        for language in ("de", "en"):
            assert (await made.get(1, {"accept-language": language})).body == language.encode()
        await made.get(1, {"x-cache": "invalidate", "accept-language": "de"}, answer=vary)
        made.clock.advance(0.1)
        assert await made.get(0, {"accept-language": "de"}) is not None
        assert await made.get(0, {"accept-language": "en"}, answer=vary) is None
        await made.get(0, path="/b")
        await made.get(1, {"x-cache": "invalidate-all"})
        assert await made.get(1, path="/b") is None
        await made.get(0, path="/c")
        made.clock.advance(1.1)
        assert await made.get(0, path="/b") is not None
        assert await made.get(1, path="/c") is None

    asyncio.run(scenario())


def test_a_storage_that_is_away_or_holds_something_else_is_no_trouble() -> None:
    async def scenario() -> None:
        made = Replicas(distributed=True)
        made.storage.made.away = True
        assert await made.get() is None
        assert await made.get() is None
        made.storage.made.away = False
        await made.get()
        for key, (until, _) in list(made.storage.made.kept.items()):
            made.storage.made.kept[key] = (until, b"\xff something else")
        assert await made.get() is None

    asyncio.run(scenario())


def test_without_a_shared_storage_a_shared_cache_is_one_in_memory() -> None:
    assert Front(distributed=True).kept()


def test_answers_that_are_being_kept_at_once_are_bounded() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        cache = FakeCache(clock)
        store = Shared(cache, clock)
        for number in range(100):
            store.keep(f"k{number}", (), [], Entry(200, (), b"x", clock(), clock() + 10))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(cache.kept) == 32

    asyncio.run(scenario())
