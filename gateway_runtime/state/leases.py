"""Limits that several workers share without asking for each request: each leases a part and spends it by itself.

A request that finds a leased unit uses it. One that finds none passes on credit, as long as the worker has some, and
the credit is charged to the shared window with the next message. Messages go out in the background: when a lease is
half spent, when credit was used, when a lease lies idle. Nothing here waits.

How far off this is. Let L be a limit and N the number of workers of all replicas of the gateway, and let
b = max(1, L // (10 N)), or L where N is 1. In one window of Redis

- at most L + N b requests pass, because credit is the only thing that is not taken from the shared window first, and
  each worker has b of it in a window; with N = 1 at most L and what passes within a round trip after the last window;
- at least L - (N - 1) b have passed before anybody is told that the limit is used up, because a lease is never larger
  than b; one that nobody uses goes back after a second. What passed on credit in the last round trip of the window
  before counts here, too, and they may be told so for as long after its end. Requests that come faster than b within
  one round trip of Redis are refused too early: they can come again at once.

A message of which nobody knows whether it arrived makes it b more, or b fewer, until the window ends. While Redis is
away each worker counts by itself: then at most N L requests pass, as without shared storage. All this for steady N: a
worker that starts is counted by the others within two seconds.
"""

from __future__ import annotations

from itertools import islice
from math import inf
from typing import Any, Protocol

from gateway_runtime.clock import Clock
from gateway_runtime.state.keyed import Keyed
from gateway_runtime.state.limits import UNKNOWN_QUOTA, Limit, Verdict
from gateway_runtime.state.pipe import UNKNOWN, Command, Done
from gateway_runtime.state.scripts import LEASE

# Credit and lease of one worker are at most this part of what is its own share.
PART = 10
# A lease is meant to last this long.
LEASE_SECONDS = 0.1
# How soon a refused request tells a caller to come back when it is only the store's answer that is missing.
SOON_SECONDS = 0.05
# How often it is asked again whether something has come back, as a part of the window.
_ASK_AGAIN = 0.01
_ASK_AGAIN_SECONDS = (0.05, 1.0)
_SHORTEST_SECONDS = 0.001
_FIELDS = 6
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


class Lease:
    """What one worker knows of one limit of one key.

    `left` is leased and may be spent until `ends`; the window is surely over at `over`. `debt` has passed and is not
    charged yet, of which `charging` is on its way. `credited` and `passed` count within the window.
    """

    __slots__ = (
        "asked_at", "charging", "credited", "debt", "dry", "ends", "left", "low", "maximum", "over", "passed",
        "passed_then", "period", "remaining", "retry_at", "window",
    )  # fmt: skip

    def __init__(self, limit: Limit) -> None:
        self.maximum, self.period = limit
        self.asked_at = -inf
        self.passed = self.passed_then = 0
        self.begin(0.0)
        self.over = 0.0

    def begin(self, now: float) -> None:
        """Forget a window that is over."""
        self.left = self.low = self.debt = self.charging = self.credited = self.passed = self.passed_then = 0
        self.window = 0
        self.ends = self.retry_at = 0.0
        self.over = now + self.period
        self.remaining = self.maximum
        self.dry = False

    def settled(self, used: int, ends: int, granted: int, *, left_ms: int, sent: float, now: float) -> None:
        """Take what the store says: what is used of the window that `ends` in `left_ms`, and what is granted."""
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
        self.low = (self.left + 1) // 2
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
    """One key: its leases, the name of its counter, and whether the store has been asked and has not answered."""

    __slots__ = ("asking", "counter", "leases", "seen")

    def __init__(self, counter: str, leases: tuple[Lease, ...]) -> None:
        self.counter = counter
        self.leases = leases
        self.asking = False
        # What had passed when it was looked at last whether somebody uses the leases.
        self.seen = -1


class LeasedWindows(Keyed[Entry]):
    """Fixed windows that are shared, each opened by its first request (see above).

    While the store is away, those that `blocks` let pass what is leased, and say `UNKNOWN_QUOTA` to anything else.
    """

    __slots__ = ("__weakref__", "_blocks", "_clock", "_holding", "_limits", "_owner", "_store")

    def __init__(
        self,
        limits: tuple[Limit, ...],
        store: Store,
        owner: str,
        clock: Clock,
        key_limit: int = Keyed.KEY_LIMIT,
        *,
        blocks: bool = False,
    ) -> None:
        super().__init__(key_limit)
        self._blocks = blocks
        self._limits = limits
        self._store = store
        self._owner = owner
        self._clock = clock
        # Those that may have something to give back.
        self._holding: dict[str, Entry] = {}

    def take(self, key: str, now: float) -> Verdict:
        """Use one request of every limit of a key, or none when one of them is used up."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._open(key, now)
        retry_after = 0.0
        asks = False
        for lease in entry.leases:
            if now >= lease.over:
                lease.begin(now)
            if lease.left > 0 and now < lease.ends:
                if lease.left <= lease.low:
                    asks = True
            else:
                wait, asking = self._without(lease, now)
                if wait < 0.0:
                    return UNKNOWN_QUOTA
                asks = asks or asking
                if wait > retry_after:
                    retry_after = wait
        tight = entry.leases[0]
        nearest = 1.0
        for lease in entry.leases:
            if not retry_after:
                lease.passed += 1
                if lease.left > 0 and now < lease.ends:
                    lease.left -= 1
                else:
                    lease.debt += 1
                    lease.credited += 1
            share = (lease.remaining + lease.left - lease.debt) / lease.maximum
            if share < nearest:
                nearest, tight = share, lease
        if asks and not entry.asking:
            self._ask(entry, now)
        remaining = tight.remaining + tight.left - tight.debt
        return Verdict(tight.maximum, remaining if remaining > 0 else 0, tight.over - now, retry_after)

    def _without(self, lease: Lease, now: float) -> tuple[float, bool]:
        """Judge a request for which nothing is leased: how long to wait, and whether to ask.

        It passes with 0. Less than that says that nobody can tell.
        """
        store = self._store
        if lease.dry:
            return lease.over - now, now >= lease.retry_at
        if lease.passed >= lease.maximum:
            return lease.over - now, not lease.window
        if store.away and self._blocks:
            return -1.0, False
        if store.away or lease.credited < self._share(lease):
            return 0.0, True
        return min(lease.over - now, SOON_SECONDS), True

    def _share(self, lease: Lease) -> int:
        limiters = self._store.limiters
        return lease.maximum if limiters <= 1 else max(1, lease.maximum // (PART * limiters))

    def _ask(self, entry: Entry, now: float) -> None:
        """Settle the credit of a key and lease more."""
        if self._store.away:
            return
        arguments: list[str | int] = [entry.counter, max(1, self._store.limiters)]
        for lease in entry.leases:
            lease.charging = lease.debt
            want = lease.want(self._share(lease), now)
            arguments += (lease.maximum, int(lease.period * 1000), lease.window, lease.debt, 0, want)
        entry.asking = True
        self._store.ask(Command(tuple(arguments), LEASE), lambda answer: self._answered(entry, answer, now))

    def _answered(self, entry: Entry, answer: Any, sent: float) -> None:
        entry.asking = False
        if answer is UNKNOWN:
            for lease in entry.leases:
                lease.charging = 0
            return
        now = self._clock()
        for position, lease in enumerate(entry.leases):
            used, ends, granted = answer[1 + 3 * position : 4 + 3 * position]
            lease.settled(used, ends, granted, left_ms=ends - answer[0], sent=sent, now=now)
        if any(lease.left for lease in entry.leases):
            self._holding[entry.counter] = entry

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
        for lease in entry.leases:
            lease.charging = lease.debt
            arguments += (lease.maximum, int(lease.period * 1000), lease.window, lease.debt, lease.left, 0)
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

    def _make(self, key: str) -> Entry:
        return Entry(self._store.key(self._owner, key), tuple(Lease(limit) for limit in self._limits))

    def _ended(self, entry: Entry, now: float) -> bool:
        return not entry.asking and all(lease.over <= now for lease in entry.leases)
