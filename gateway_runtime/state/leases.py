"""Limits that several workers share without asking for each request: each leases a part and spends it by itself.

A request that finds a leased unit uses it. One that finds none passes on credit, as long as the worker has some, and
the credit is charged to the shared window with the next message. One that finds neither waits for that message, and is
never refused because of it. Messages go out in the background: when a lease is half spent, when credit was used, when a
lease lies idle.

How far off this is. Let L be a limit and N the number of workers of all replicas of the gateway, and let
c = L // (100 N) and b = max(1, L // (10 N)). In one window of Redis

- at most L + N c requests pass, a hundredth more, because credit is the only thing that is not taken from the shared
  window first, and each worker has c of it in a window; below 100 N there is no credit, and at most L pass;
- at least L - (N - 1) b have passed, or are granted to requests that wait, before anybody is told that the limit is
  used up, because a lease for requests to come is never larger than b; one that nobody uses goes back after a second.
  What passed on credit in the last round trip of the window before counts here, too, and they may be told so for as
  long after its end.

A message of which nobody knows whether it arrived makes it c more, or b fewer, until the window ends. While Redis is
away each worker counts by itself: then at most N L requests pass, as without shared storage. All this for steady N: a
worker that starts is counted by the others within two seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from itertools import islice
from math import inf
from typing import Any, Protocol

from gateway_runtime.clock import Clock, time
from gateway_runtime.state.keyed import Keyed
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict
from gateway_runtime.state.patience import Patience
from gateway_runtime.state.pipe import CALL_SECONDS, UNKNOWN, Command, Done
from gateway_runtime.state.scripts import LEASE, leasing

# A lease for requests to come is at most this part of what is a worker's own share, and its credit this one.
LEASE_PART = 10
CREDIT_PART = 100
# A lease is meant to last this long.
LEASE_SECONDS = 0.1
# How often it is asked again whether something has come back, as a part of the window.
_ASK_AGAIN = 0.01
_ASK_AGAIN_SECONDS = (0.05, 1.0)
_SHORTEST_SECONDS = 0.001
_RETURNS_AT_ONCE = 2_000


class Store(Protocol):
    """What a limiter needs of the shared storage."""

    limiters: int

    @property
    def away(self) -> bool:
        """Tell that it cannot be asked now."""

    def key(self, owner: str, key: str) -> str:
        """Return the name of the counter for a key of a binding."""

    def ask(self, command: Command, done: Done) -> None:
        """Ask without waiting."""


class Waiter:
    """A request that waits for an answer of the store. `verdict` is None until there is one."""

    __slots__ = ("_future", "_give_up", "verdict")

    def __init__(self, give_up: Callable[[], Verdict]) -> None:
        self._give_up = give_up
        self._future: asyncio.Future[None] | None = None
        self.verdict: Verdict | None = None

    def resolve(self, verdict: Verdict) -> None:
        """Say what has come out."""
        self.verdict = verdict
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def __await__(self) -> Generator[Any, None, Verdict]:
        if self.verdict is None:
            self._future = asyncio.get_running_loop().create_future()
            patience = Patience(CALL_SECONDS, self._expire)
            try:
                yield from self._future
            finally:
                patience.cancel()
                if self.verdict is None:
                    # Nobody waits any more, so nothing may be used for it.
                    self.verdict = UNKNOWN_QUOTA
        assert self.verdict is not None
        return self.verdict

    def _expire(self) -> None:
        if self.verdict is None:
            self.resolve(self._give_up())


class Lease:
    """What one worker knows of one limit of one key.

    `left` is leased and may be spent until `ends`; the window is surely over at `over`. `debt` has passed and is not
    charged yet, of which `charging` is on its way. `credited` and `passed` count within the window.
    """

    __slots__ = (
        "asked_at", "charging", "credited", "debt", "dry", "ends", "left", "limit", "low", "maximum", "over", "passed",
        "passed_then", "period", "remaining", "retry_at", "window",
    )  # fmt: skip

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.maximum, self.period = limit.maximum, limit.period
        self.asked_at = -inf
        self.passed = self.passed_then = 0
        self.begin(0.0, 0.0)
        self.over = 0.0

    def begin(self, now: float, wall: float) -> None:
        """Forget a window that is over."""
        self.left = self.low = self.debt = self.charging = self.credited = self.passed = self.passed_then = 0
        self.window = 0
        self.ends = self.retry_at = 0.0
        calendar = self.limit.calendar
        self.over = now + (self.period if calendar is None else calendar.ends(wall)[1] / 1000 - wall)
        self.remaining = self.maximum
        self.dry = False

    def settled(
        self, used: int, ends: int, granted: int, waiting: int, *, left_ms: int, sent: float, now: float
    ) -> None:
        """Take what the store says: what is used of the window that `ends` in `left_ms`, and what is granted.

        So many as are `waiting` will take theirs at once, which is no reason to ask for more.
        """
        self.debt -= self.charging
        self.charging = 0
        # The store answered between then and now, and leaves parts of a millisecond out.
        spend_until, over = sent + (left_ms - 1) / 1000, now + left_ms / 1000
        if spend_until <= now:
            return  # it may be over already
        if ends != self.window:
            self.window = ends
            self.left = 0
            self.passed = self.passed_then = self.credited
            self.ends, self.over = spend_until, over
        else:
            self.ends, self.over = max(self.ends, spend_until), min(self.over, over)
        # What has passed on credit since the message went out is paid for at once, as far as that goes.
        covered = min(self.debt, granted)
        self.debt -= covered
        self.left += granted - covered
        self.low = (max(0, self.left - waiting) + 1) // 2
        self.remaining = max(0, self.maximum - used)
        self.dry = not self.left and used >= self.maximum
        if self.dry:
            low, high = _ASK_AGAIN_SECONDS
            self.retry_at = now + min(max(self.period * _ASK_AGAIN, low), high)

    def want(self, share: int, now: float) -> int:
        """Return how many more units to lease: what the traffic since the last time needs for a moment."""
        elapsed = max(now - self.asked_at, _SHORTEST_SECONDS)
        level = int((self.passed - self.passed_then) / elapsed * LEASE_SECONDS) + 1
        self.asked_at = now
        self.passed_then = self.passed
        return max(0, min(level, share) - self.left)


class Entry:
    """One key: its leases, the name of its counter, whether the store has been asked and has not answered, and who
    waits for that.
    """

    __slots__ = ("asking", "counter", "leases", "seen", "waiting")

    def __init__(self, counter: str, leases: tuple[Lease, ...]) -> None:
        self.counter = counter
        self.leases = leases
        self.asking = False
        self.waiting: deque[Waiter] = deque()
        # What had passed when it was looked at last whether somebody uses the leases.
        self.seen = -1


# What can be said of a request and one limit beside how many seconds it has to stay away: it passes, it has to wait for
# the store, nobody can tell.
_PASSES, _WAITS, _UNKNOWN = 0.0, -1.0, -2.0


class LeasedWindows(Keyed[Entry]):
    """Windows that are shared, fixed or by the calendar (see above).

    While the store is away, those that `blocks` let pass what is leased, and say `UNKNOWN_QUOTA` to anything else.
    """

    __slots__ = ("__weakref__", "_blocks", "_clock", "_holding", "_limits", "_owner", "_store", "_wall")

    def __init__(
        self,
        limits: tuple[Limit, ...],
        store: Store,
        owner: str,
        clock: Clock,
        key_limit: int = Keyed.KEY_LIMIT,
        *,
        blocks: bool = False,
        wall: Clock = time,
    ) -> None:
        super().__init__(key_limit)
        self._blocks = blocks
        self._limits = limits
        self._store = store
        self._owner = owner
        self._clock = clock
        self._wall = wall
        # Those that may have something to give back.
        self._holding: dict[str, Entry] = {}

    def ask(self, key: str, now: float) -> Verdict | Awaitable[Verdict]:
        """Use one request of every limit of a key, or none when one of them is used up."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._open(key, now)
        verdict = self._judge(entry, now)
        if verdict is not None:
            return verdict
        waiter = Waiter(lambda: self._unanswered(entry, self._clock()))
        entry.waiting.append(waiter)
        if not entry.asking:
            self._ask(entry, now)
        return waiter if waiter.verdict is None else waiter.verdict

    def _judge(self, entry: Entry, now: float) -> Verdict | None:
        """Return the verdict on a request, None where the store has to be asked first."""
        retry_after = 0.0
        asks = waits = False
        for lease in entry.leases:
            if now >= lease.over:
                lease.begin(now, self._wall() if lease.limit.calendar is not None else 0.0)
            if lease.left > 0 and now < lease.ends:
                if lease.left <= lease.low:
                    asks = True
                continue
            wait, asking = self._without(lease, now)
            if wait == _UNKNOWN:
                return UNKNOWN_QUOTA
            asks = asks or asking
            if wait == _WAITS:
                waits = True
            elif wait > retry_after:
                retry_after = wait
        if waits and not retry_after:
            return None
        return self._used(entry, now, retry_after, asks)

    def _used(self, entry: Entry, now: float, retry_after: float, asks: bool) -> Verdict:
        """Use one of every limit, unless the request has to stay away, and ask for more where it is time to."""
        tight = 0
        nearest = 2.0
        for position, lease in enumerate(entry.leases):
            if not retry_after:
                lease.passed += 1
                if lease.left > 0 and now < lease.ends:
                    lease.left -= 1
                else:
                    lease.debt += 1
                    lease.credited += 1
            share = (lease.remaining + lease.left - lease.debt) / lease.maximum
            if share < nearest:
                nearest, tight = share, position
        if asks and not entry.asking:
            self._ask(entry, now)
        lease = entry.leases[tight]
        remaining = lease.remaining + lease.left - lease.debt
        return Verdict(lease.maximum, remaining if remaining > 0 else 0, lease.over - now, retry_after, tight)

    def _without(self, lease: Lease, now: float) -> tuple[float, bool]:
        """Judge a request for which nothing is leased, and tell whether to ask."""
        store = self._store
        if lease.dry:
            return lease.over - now, now >= lease.retry_at
        if lease.passed >= lease.maximum:
            return lease.over - now, not lease.window
        if store.away:
            return (_UNKNOWN, False) if self._blocks else (_PASSES, False)
        if lease.credited < lease.maximum // (CREDIT_PART * max(1, store.limiters)):
            return _PASSES, True
        return _WAITS, True

    def _unanswered(self, entry: Entry, now: float) -> Verdict:
        """Return the verdict on a request whose question nobody has answered: as while the store is away."""
        if self._blocks:
            return UNKNOWN_QUOTA
        wait = max(lease.over - now if lease.passed >= lease.maximum else 0.0 for lease in entry.leases)
        return self._used(entry, now, max(wait, 0.0), False)

    def _ask(self, entry: Entry, now: float) -> None:
        """Settle the credit of a key and lease more."""
        store = self._store
        if store.away:
            self._serve(entry, now, answered=False)
            return
        limiters = max(1, store.limiters)
        need = sum(waiter.verdict is None for waiter in entry.waiting)
        arguments: list[str | int] = [entry.counter, limiters]
        wall = self._wall()
        for lease in entry.leases:
            lease.charging = lease.debt
            want = lease.want(max(1, lease.maximum // (LEASE_PART * limiters)), now)
            arguments += leasing(lease.limit, wall, window=lease.window, debt=lease.debt, back=0, need=need, want=want)
        entry.asking = True
        store.ask(Command(tuple(arguments), LEASE), lambda answer: self._answered(entry, answer, now))

    def _answered(self, entry: Entry, answer: Any, sent: float) -> None:
        entry.asking = False
        now = self._clock()
        if answer is UNKNOWN:
            for lease in entry.leases:
                lease.charging = 0
            self._serve(entry, now, answered=False)
            return
        for position, lease in enumerate(entry.leases):
            used, ends, granted = answer[1 + 3 * position : 4 + 3 * position]
            lease.settled(used, ends, granted, len(entry.waiting), left_ms=ends - answer[0], sent=sent, now=now)
        if any(lease.left for lease in entry.leases):
            self._holding[entry.counter] = entry
        self._serve(entry, now, answered=True)

    def _serve(self, entry: Entry, now: float, *, answered: bool) -> None:
        """Judge those who wait, in order. Who has come too late for the answer waits for the next one."""
        waiting = entry.waiting
        while waiting:
            if waiting[0].verdict is None:
                verdict = self._judge(entry, now) if answered else self._unanswered(entry, now)
                if verdict is None:
                    if not entry.asking:
                        self._ask(entry, now)
                    return
                waiting.popleft().resolve(verdict)
            else:
                waiting.popleft()  # it has given up

    def give_back(self, now: float, *, everything: bool = False) -> None:
        """Return leases that nobody has used since the last call; with `everything`, all of them."""
        for name in list(islice(self._holding, None if everything else _RETURNS_AT_ONCE)):
            entry = self._holding.pop(name)
            if not any(lease.left > 0 and now < lease.ends for lease in entry.leases):
                continue
            passed = sum(lease.passed for lease in entry.leases)
            if entry.asking or (passed != entry.seen and not everything):
                entry.seen = passed
                self._holding[name] = entry
            else:
                self._return(entry)

    def _return(self, entry: Entry) -> None:
        arguments: list[str | int] = [entry.counter, 1]
        wall = self._wall()
        for lease in entry.leases:
            lease.charging = lease.debt
            arguments += leasing(
                lease.limit, wall, window=lease.window, debt=lease.debt, back=lease.left, need=0, want=0
            )
            lease.left = 0
        entry.asking = True
        # Where the answer is lost the units are lost until the window ends: given back twice they would pass twice.
        self._store.ask(Command(tuple(arguments), LEASE), lambda answer: self._returned(entry, answer))

    def _returned(self, entry: Entry, answer: Any) -> None:
        entry.asking = False
        for lease in entry.leases:
            if answer is not UNKNOWN:
                lease.debt -= lease.charging
            lease.charging = 0
        if entry.waiting:
            self._ask(entry, self._clock())

    def _make(self, key: str) -> Entry:
        return Entry(self._store.key(self._owner, key), tuple(Lease(limit) for limit in self._limits))

    def _ended(self, entry: Entry, now: float) -> bool:
        return not entry.asking and all(lease.over <= now for lease in entry.leases)
