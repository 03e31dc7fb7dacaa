import asyncio
from collections.abc import Awaitable

from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict
from gateway_runtime.state.pipe import Command
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


def test_a_refusal_asks_nobody_again_until_the_window_of_a_second_ends() -> None:
    workers = Workers()
    for _ in range(3):
        workers.ask(0)
    workers.counters.fields.clear()
    workers.time.advance(0.4)
    refused = workers.ask(0)
    assert (round(refused.retry_after, 3), refused.remaining) == (0.6, 0)
    workers.time.advance(0.7)
    assert not workers.ask(0).retry_after


def test_of_a_long_window_it_is_asked_again_each_second_because_counters_can_be_lost() -> None:
    workers = Workers((Limit(1, 2_629_746.0),))
    for _ in range(2):
        workers.ask(0)
    workers.counters.fields.clear()
    workers.time.advance(0.9)
    assert round(workers.ask(0).retry_after, 3) == 2_629_745.1
    workers.time.advance(0.2)
    workers.stores[0].away = True
    assert workers.ask(0).retry_after > 0, "as long as it cannot be asked, what it said last holds"
    workers.stores[0].away = False
    assert [workers.ask(0).retry_after > 0 for _ in range(2)] == [False, True]


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


def test_one_that_blocks_lets_nothing_pass_while_the_storage_is_away_and_uses_nothing() -> None:
    workers = Workers()
    blocking = StrictWindows(TWO, workers.stores[0], "o", lambda: workers.time.now, blocks=True)
    workers.limiters[0] = blocking
    assert not workers.ask(0).retry_after
    workers.stores[0].away = True
    assert all(workers.ask(0) is UNKNOWN_QUOTA for _ in range(3))
    workers.stores[0].away = False
    assert [workers.ask(0).retry_after for _ in range(2)] == [0.0, 1.0]


def test_one_that_blocks_lets_nothing_pass_when_its_question_is_not_answered() -> None:
    workers = Workers()
    workers.limiters[0] = StrictWindows(TWO, workers.stores[0], "o", lambda: workers.time.now, blocks=True)
    waiting = workers.limiters[0].ask("k", workers.time.now)
    workers.stores[0].away = True
    assert asyncio.run(waiting) is UNKNOWN_QUOTA  # type: ignore[arg-type]


def test_one_that_leases_and_blocks_gives_out_what_it_has_and_then_nothing() -> None:
    workers = Workers()
    limit = Limit(100, 10.0)
    limiter = LeasedWindows((limit,), workers.stores[0], "o", lambda: workers.time.now, blocks=True)
    for _ in range(5):
        assert not limiter.ask("k", workers.time.now).retry_after
        workers.time.advance(0.01)
    workers.stores[0].away = True
    verdicts = [limiter.ask("k", workers.time.now) for _ in range(101)]
    passed = [verdict for verdict in verdicts if not verdict.retry_after]
    assert 0 < len(passed) < 100
    assert all(verdict is UNKNOWN_QUOTA for verdict in verdicts[len(passed) :])
    assert limiter.ask("never seen", workers.time.now) is UNKNOWN_QUOTA


def test_who_waits_to_ask_is_refused_by_what_those_before_were_told() -> None:
    time = Time()

    class Queue(FakeStore):
        """Lets each call wait until `go_on`, as a connection under way does."""

        waiting: asyncio.Event
        asked = 0

        async def call(self, command: Command) -> object:
            await self.waiting.wait()
            assert command.known is not None
            known = command.known()
            if known is not None:
                return known
            self.asked += 1
            return await super().call(command)

    async def burst() -> tuple[list[Verdict], int]:
        store = Queue(FakeCounters(time))
        store.waiting = asyncio.Event()
        limiter = StrictWindows(TWO, store, "o", lambda: time.now)

        async def one() -> Verdict:
            found = limiter.ask("k", time.now)
            return found if isinstance(found, Verdict) else await found

        asking = asyncio.gather(*(one() for _ in range(10)))
        await asyncio.sleep(0)
        store.waiting.set()
        return list(await asking), store.asked

    verdicts, asked = asyncio.run(burst())
    assert [bool(verdict.retry_after) for verdict in verdicts] == [False, False, *[True] * 8]
    assert asked == 3
