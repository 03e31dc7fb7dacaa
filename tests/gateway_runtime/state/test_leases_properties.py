"""The error bound of leases as the docstring states it, over orders of events that nobody would think of."""

from dataclasses import dataclass, field
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import Limit

from .fakes import FakeCounters, FakeStore, Time

# The longest that a message is under way, there and back: `pipe.CALL_SECONDS`.
LONGEST = 0.05


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
        self.refused_as_spent: list[tuple[float, int]] = []

    def _delays(self) -> tuple[float, float, bool, bool]:
        there = self.random.choice([0.0, 0.0005, self.random.uniform(0, LONGEST)])
        back = self.random.choice([0.0, 0.0005, self.random.uniform(0, LONGEST - there)])
        return there, back, self.random.random() >= self.losing, self.random.random() >= self.losing

    @property
    def b(self) -> int:
        """The b of the docstring."""
        limit = self.limit.maximum
        return limit if self.workers == 1 else max(1, limit // (10 * self.workers))

    @property
    def lost(self) -> int:
        return sum(store.lost for store in self.stores)

    def request(self, worker: int) -> bool:
        limiter = self.limiters[worker]
        now = self.time.now + self.offsets[worker]
        passes = not limiter.take("k", now).retry_after
        if passes:
            self.passed.append(self.time.now)
        elif limiter._entries["k"].leases[0].dry:
            # Up to a round trip after its end a window may still be taken for running.
            moments = (self.time.now, self.time.now - LONGEST)
            self.refused_as_spent.append((self.time.now, max(map(self.since_last_window, moments))))
        return passes

    def since_last_window(self, now: float) -> int:
        """Count what has passed in the window that runs, and within a round trip before."""
        ended = max((end / 1000 for *_, end in self.counters.windows if end / 1000 <= now), default=0.0)
        return sum(moment >= ended - LONGEST for moment in self.passed)

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
@given(st.integers(1, 5), st.sampled_from([100, 101, 333, 1000]), steps, seeds)
def test_never_more_pass_than_the_bound_says(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    drive(replicas, moves)
    if workers > 1:
        assert max(replicas.in_windows()) <= maximum + workers * replicas.b
    else:
        assert max(replicas.in_windows(after=LONGEST)) <= maximum


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), st.sampled_from([100, 101, 333, 1000]), steps, seeds)
def test_nobody_is_told_too_early_that_a_limit_is_used_up(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    drive(replicas, moves)
    assert all(passed >= maximum - (workers - 1) * replicas.b for _, passed in replicas.refused_as_spent)


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(2, 5), st.sampled_from([100, 1000]), steps, seeds)
def test_each_lost_message_costs_at_most_one_lease(workers: int, maximum: int, moves: list, seed: int) -> None:
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed), losing=0.1)
    drive(replicas, moves)
    allowed = maximum + (workers + replicas.lost) * replicas.b
    assert max(replicas.in_windows(), default=0) <= allowed
    fewest = maximum - (workers - 1 + replicas.lost) * replicas.b
    assert all(passed >= fewest for _, passed in replicas.refused_as_spent)


@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.integers(1, 5), seeds)
def test_steady_traffic_gets_the_whole_limit_and_hardly_more(workers: int, seed: int) -> None:
    """Twice as many requests as may pass, for three windows: within a hundredth of the limit."""
    maximum = 1000
    replicas = Replicas(workers, Limit(maximum, 1.0), Random(seed))
    replicas._delays = lambda: (0.0005, 0.0005, True, True)  # type: ignore[method-assign]
    for store in replicas.stores:
        store.delays = replicas._delays
    for _ in range(6 * maximum):
        replicas.request(replicas.random.randrange(workers))
        replicas.time.advance(0.0005)
    whole = replicas.in_windows()[:2]
    assert all(maximum * 0.98 <= passed <= maximum * 1.01 for passed in whole), whole
