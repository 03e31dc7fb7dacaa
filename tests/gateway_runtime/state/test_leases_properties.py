"""The error bound of leases as the docstring states it, over orders of events that nobody would think of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway_runtime.state import leases
from gateway_runtime.state.leases import LeasedWindows, Waiter
from gateway_runtime.state.limits import Limit, Verdict

from .fakes import FakeCounters, FakeStore, Time

# The longest that a message is under way, there and back: `pipe.CALL_SECONDS`.
LONGEST = 0.05


class Noted(Waiter):
    """A request that waits, and what is done once it does no more."""

    then: Callable[[Verdict], None] = staticmethod(lambda _: None)

    def resolve(self, verdict: Verdict) -> None:
        super().resolve(verdict)
        self.then(verdict)


@pytest.fixture(autouse=True, scope="module")
def _noted() -> Iterator[None]:
    with patch.object(leases, "Waiter", Noted):
        yield


@dataclass
class Replicas:
    """Several workers with one limit. Each has a clock of its own that began at another time."""

    workers: int
    limit: Limit
    random: Random
    losing: float = 0.0
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.counters = FakeCounters(self.time)
        self.stores = [FakeStore(self.counters, self.workers, delays=self._delays) for _ in range(self.workers)]
        self.limiters = []
        self.offsets = [self.random.uniform(-500, 500) for _ in range(self.workers)]
        for store, offset in zip(self.stores, self.offsets, strict=True):
            clock = lambda offset=offset: self.time.now + offset  # noqa: E731
            self.limiters.append(LeasedWindows((self.limit,), store, "o", clock))
        self.passed: list[float] = []
        self.refused_as_spent: list[float] = []
        self.refused_otherwise = 0
        self.waited: list[Noted] = []
        self.waiting_at_once = 0

    def _delays(self) -> tuple[float, float, bool, bool]:
        there = self.random.choice([0.0, 0.0005, self.random.uniform(0, LONGEST)])
        back = self.random.choice([0.0, 0.0005, self.random.uniform(0, LONGEST - there)])
        return there, back, self.random.random() >= self.losing, self.random.random() >= self.losing

    @property
    def b(self) -> int:
        """The b of the docstring."""
        return max(1, self.limit.maximum // (10 * self.workers))

    @property
    def c(self) -> int:
        """The c of the docstring."""
        return self.limit.maximum // (100 * self.workers)

    @property
    def lost(self) -> int:
        return sum(store.lost for store in self.stores)

    def request(self, worker: int) -> None:
        found = self.limiters[worker].ask("k", self.time.now + self.offsets[worker])
        if isinstance(found, Noted):
            self.waited.append(found)
            self.waiting_at_once = max(self.waiting_at_once, len(self.limiters[worker]._entries["k"].waiting))
            found.then = lambda verdict: self.judged(worker, verdict)
        else:
            assert isinstance(found, Verdict)
            self.judged(worker, found)

    def judged(self, worker: int, verdict: Verdict) -> None:
        if not verdict.retry_after:
            self.passed.append(self.time.now)
        elif self.limiters[worker]._entries["k"].leases[0].dry:
            self.refused_as_spent.append(self.time.now)
        else:
            self.refused_otherwise += 1

    def fewest_before_refusal(self) -> int:
        """Return how many had passed, at the least, when somebody was told that the limit is used up."""
        return min((self._passed_before(moment) for moment in self.refused_as_spent), default=self.limit.maximum)

    def _passed_before(self, refused: float) -> int:
        # Up to a round trip after its end a window may still be taken for running.
        return max(self._passed_in_window_of(moment, refused) for moment in (refused, refused - LONGEST))

    def _passed_in_window_of(self, moment: float, refused: float) -> int:
        """Count what has passed in the window that runs, within a round trip before it, and what is on its way to
        those who wait.
        """
        ended = max((end / 1000 for *_, end in self.counters.windows if end / 1000 <= moment), default=0.0)
        return sum(ended - LONGEST <= passed <= refused + LONGEST for passed in self.passed)

    def in_windows(self, *, after: float = 0.0) -> list[int]:
        """Return how many passed in each window, with those that opened it, from so long after the last one's end."""
        counts, begin = [], 0.0
        for *_, end in self.counters.windows:
            counts.append(sum(begin + after <= moment < end / 1000 for moment in self.passed))
            begin = end / 1000
        return counts


seeds = st.integers(0, 2**32)
steps = st.lists(
    st.tuples(
        st.integers(0, 4),  # which worker
        st.sampled_from([1, 1, 3, 40, 400]),  # how many requests
        st.sampled_from([0.0, 0.0, 0.0001, 0.001, 0.004]),  # how far apart
        st.sampled_from([0.0, 0.0, 0.001, 0.03, 0.2, 0.9, 1.5]),  # and then a pause
        st.booleans(),  # and unused leases go back
    ),
    min_size=3,
    max_size=40,
)


def drive(replicas: Replicas, moves: list[tuple[int, int, float, float, bool]]) -> None:
    for worker, requests, apart, pause, returns in moves:
        worker %= replicas.workers
        for _ in range(requests):
            replicas.request(worker)
            if apart:
                replicas.time.advance(apart)
        replicas.time.advance(pause)
        if returns:
            for limiter, offset in zip(replicas.limiters, replicas.offsets, strict=True):
                limiter.give_back(replicas.time.now + offset)
    replicas.time.advance(LONGEST * 2)


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), st.sampled_from([100, 101, 333, 1000, 5000]), steps, seeds)
def test_never_more_pass_than_the_bound_says(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    drive(replicas, moves)
    assert max(replicas.in_windows(), default=0) <= maximum + workers * replicas.c


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), st.sampled_from([100, 101, 333, 1000]), steps, seeds)
def test_nobody_is_told_too_early_that_a_limit_is_used_up(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    drive(replicas, moves)
    assert replicas.fewest_before_refusal() >= maximum - (workers - 1) * replicas.b


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), st.sampled_from([100, 101, 333, 1000]), steps, seeds)
def test_everybody_who_waits_is_told(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    drive(replicas, moves)
    replicas.time.advance(LONGEST * 4)
    assert all(waiter.verdict is not None for waiter in replicas.waited)


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(2, 5), st.sampled_from([100, 1000]), steps, seeds)
def test_each_lost_message_costs_little(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed), losing=0.1)
    drive(replicas, moves)
    # Those who waited for the lost message pass without having been counted, and it may have leased for them.
    most = max(replicas.waiting_at_once, replicas.b)
    allowed = maximum + workers * replicas.c + replicas.lost * most
    assert max(replicas.in_windows(), default=0) <= allowed
    fewest = maximum - (workers - 1) * replicas.b - replicas.lost * most
    assert replicas.fewest_before_refusal() >= fewest


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), seeds)
def test_steady_traffic_gets_the_whole_limit_and_hardly_more(workers: int, seed: int) -> None:
    """Twice as many requests as may pass, for three windows: within a hundredth of the limit."""
    maximum = 1000
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    for store in replicas.stores:
        store.delays = replicas._delays
    for _ in range(6 * maximum):
        replicas.request(replicas.random.randrange(workers))
        replicas.time.advance(0.0005)
    whole = replicas.in_windows()[:2]
    assert all(maximum * 0.98 <= passed <= maximum * 1.01 for passed in whole), whole


@pytest.mark.parametrize("workers", [1, 3, 5])
def test_a_burst_on_a_new_window_waits_and_is_not_refused(workers: int) -> None:
    replicas = Replicas(workers, Limit(1000, 60.0), Random(1))
    for number in range(900):
        replicas.request(number % workers)
    replicas.time.advance(LONGEST * 3)
    assert (len(replicas.passed), replicas.refused_as_spent, replicas.refused_otherwise) == (900, [], 0)
