import asyncio
from typing import Any

from gateway_runtime.state.cache import ENTRY_BYTES, LocalCache, SharedCache
from gateway_runtime.state.pipe import UNKNOWN, Command
from tests.gateway_runtime.fakes import FakeClock


def test_a_value_is_kept_for_its_time() -> None:
    clock = FakeClock()
    cache = LocalCache(clock, entries=10)
    assert asyncio.run(cache.set("a", b"1", 5))
    assert asyncio.run(cache.get("a")) == b"1"
    clock.advance(5)
    assert asyncio.run(cache.get("a")) is None
    assert cache.size == 0


def test_the_oldest_goes_when_there_is_no_room() -> None:
    cache = LocalCache(FakeClock(), entries=2, total_bytes=10)
    for key in "abc":
        asyncio.run(cache.set(key, b"123", 5))
    assert [asyncio.run(cache.get(key)) for key in "abc"] == [None, b"123", b"123"]
    asyncio.run(cache.set("d", b"12345678", 5))
    assert [asyncio.run(cache.get(key)) for key in "bcd"] == [None, None, b"12345678"]
    assert cache.size == 8


def test_what_is_too_large_is_not_kept_and_takes_the_old_value_away() -> None:
    cache = LocalCache(FakeClock(), entries=2)
    asyncio.run(cache.set("a", b"old", 5))
    assert not asyncio.run(cache.set("a", b"x" * (ENTRY_BYTES + 1), 5))
    assert asyncio.run(cache.get("a")) is None


class Store:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple] = []

    def cached(self, owner: str, key: str) -> str:
        return f"{owner}/{key}"

    async def fetch(self, command: Command) -> Any:
        self.asked.append(command.arguments)
        return self.answer

    call = fetch


def test_a_shared_value_has_its_time_in_redis() -> None:
    store = Store(b"OK")
    assert asyncio.run(SharedCache(store, "o").set("a", b"1", 1.5))
    assert store.asked == [("SET", "o/a", b"1", "PX", 1500)]


def test_a_storage_that_is_away_is_unknown_and_no_error() -> None:
    cache = SharedCache(Store(UNKNOWN), "o")
    assert asyncio.run(cache.get("a")) is UNKNOWN
    assert not asyncio.run(cache.set("a", b"1", 1))


def test_one_of_all_who_ask_is_the_first() -> None:
    clock = FakeClock()
    cache = LocalCache(clock, entries=10)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(cache.first("a", 5) for _ in range(9)))

    assert sorted(asyncio.run(all_at_once())) == [False] * 8 + [True]
    clock.advance(5)
    assert asyncio.run(cache.first("a", 5)) is True
    assert asyncio.run(cache.first("b", 0)) is False


def test_redis_decides_who_is_the_first() -> None:
    store = Store(b"OK")
    assert asyncio.run(SharedCache(store, "o").first("a", 1.5)) is True
    assert store.asked == [("SET", "o/a", b"", "PX", 1500, "NX")]
    assert asyncio.run(SharedCache(Store(None), "o").first("a", 1.5)) is False
    assert asyncio.run(SharedCache(Store(UNKNOWN), "o").first("a", 1.5)) is UNKNOWN
