import asyncio
from collections.abc import Awaitable

from gateway_runtime.state.limits import Limit, Verdict
from gateway_runtime.state.strict import StrictWindows

from .fakes import FakeCounters, FakeStore, Time

TWO = (Limit(2, 1.0),)


class Workers:
    """Two workers with one storage."""

    def __init__(self, limits: tuple[Limit, ...] = TWO) -> None:
        self.time = Time()
        self.counters = FakeCounters(self.time)
        self.stores = [FakeStore(self.counters), FakeStore(self.counters)]
        self.limiters = [StrictWindows(limits, store, "o", lambda: self.time.now) for store in self.stores]

    def ask(self, worker: int, key: str = "k") -> Verdict:
        found = self.limiters[worker].ask(key, self.time.now)
        if isinstance(found, Verdict):
            return found

        async def wait(awaitable: Awaitable[Verdict]) -> Verdict:
            return await awaitable

        return asyncio.run(wait(found))


def test_workers_share_exactly() -> None:
    workers = Workers()
    assert [workers.ask(n % 2).retry_after for n in range(4)] == [0.0, 0.0, 1.0, 1.0]
    workers.time.advance(1.0)
    assert workers.ask(0) == Verdict(2, 1, 1.0, 0.0)


def test_a_refusal_asks_nobody_again_until_the_window_ends() -> None:
    workers = Workers()
    for _ in range(3):
        workers.ask(0)
    workers.counters.fields.clear()
    workers.time.advance(0.4)
    refused = workers.ask(0)
    assert (round(refused.retry_after, 3), refused.remaining) == (0.6, 0)
    workers.time.advance(0.7)
    assert not workers.ask(0).retry_after


def test_every_limit_must_have_quota_and_a_refusal_uses_none() -> None:
    workers = Workers((Limit(1, 1.0), Limit(2, 60.0)))
    assert not workers.ask(0).retry_after
    assert workers.ask(1).retry_after == 1.0
    workers.time.advance(1.0)
    assert not workers.ask(1).retry_after
    workers.time.advance(1.0)
    assert workers.ask(0).retry_after == 58.0


def test_while_the_storage_is_away_each_worker_goes_on_from_what_it_has_let_through() -> None:
    workers = Workers()
    assert not workers.ask(0).retry_after
    for store in workers.stores:
        store.away = True
    assert [workers.ask(0).retry_after > 0 for _ in range(2)] == [False, True]
    assert [workers.ask(1).retry_after > 0 for _ in range(3)] == [False, False, True]
