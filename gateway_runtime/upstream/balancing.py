"""Which of the usable targets is asked next."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import count
from math import gcd
from typing import TYPE_CHECKING, Protocol

from gateway_runtime.schema.upstream import Balance
from gateway_runtime.upstream.errors import NO_TARGET, UpstreamError
from gateway_runtime.upstream.target import TargetConnections

if TYPE_CHECKING:
    from gateway_runtime.http.exchange import Exchange

_ROTATION_LIMIT = 1000
# Points of a target of average weight on the circle: enough for shares that are right within a few percent.
_POINTS = 100
_MOST_POINTS = 1000


class Balancer(Protocol):
    """Chooses for one pool. `use` is told whenever a target stops or begins to count."""

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target to ask. Raises `UpstreamError` when there is none."""

    def use(self, usable: Sequence[TargetConnections]) -> None:
        """Choose among these from now on."""


def rotation_of(weights: Sequence[int]) -> tuple[int, ...]:
    """Return the order in which targets take turns: each as often as its weight says, spread out evenly."""
    weights = [max(weight, 0) for weight in weights]
    divisor = gcd(*weights) if weights else 0
    if not divisor:
        return tuple(range(len(weights)))
    shares = [weight // divisor for weight in weights]
    total = sum(shares)
    if total > _ROTATION_LIMIT:
        shares = [-(-share * _ROTATION_LIMIT // total) if share else 0 for share in shares]
        total = sum(shares)
    credit = [0] * len(shares)
    order = []
    for _ in range(total):
        credit = [have + share for have, share in zip(credit, shares, strict=True)]
        chosen = credit.index(max(credit))
        credit[chosen] -= total
        order.append(chosen)
    return tuple(order)


class Single:
    """The one there is, whatever is thought of it."""

    __slots__ = ("_target",)

    def __init__(self, target: TargetConnections) -> None:
        self._target = target

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target."""
        return self._target

    def use(self, usable: Sequence[TargetConnections]) -> None:
        """There is no choice."""


class RoundRobin:
    """Each in its turn, as often as its weight says."""

    __slots__ = ("_rotation", "_turns", "_weights")

    def __init__(self, targets: Sequence[TargetConnections], weights: Sequence[int]) -> None:
        self._weights = dict(zip(targets, weights, strict=True))
        self._turns = count()
        self.use(targets)

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target whose turn it is. Raises `UpstreamError` when there is none."""
        rotation = self._rotation
        if len(rotation) == 1:
            return rotation[0]
        if not rotation:
            raise UpstreamError(NO_TARGET)
        return rotation[next(self._turns) % len(rotation)]

    def use(self, usable: Sequence[TargetConnections]) -> None:
        """Let only these take turns."""
        order = rotation_of([self._weights[target] for target in usable])
        self._rotation = tuple(usable[index] for index in order)


class LeastActive:
    """The one with the fewest requests under way for its weight; among equals, in turn."""

    __slots__ = ("_turns", "_usable", "_weights")

    def __init__(self, targets: Sequence[TargetConnections], weights: Sequence[int]) -> None:
        self._weights = dict(zip(targets, weights, strict=True))
        self._turns = count()
        self.use(targets)

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target with the least to do. Raises `UpstreamError` when there is none."""
        usable = self._usable
        if not usable:
            raise UpstreamError(NO_TARGET)
        size = len(usable)
        start = next(self._turns)
        best, weight = usable[start % size]
        active = best.active
        for index in range(start + 1, start + size):
            target, other = usable[index % size]
            if target.active * weight < active * other:
                best, weight, active = target, other, target.active
        return best

    def use(self, usable: Sequence[TargetConnections]) -> None:
        """Compare only these. A weight of 0 takes a target out where others have one."""
        weighted = [(target, self._weights[target]) for target in usable]
        self._usable = [pair for pair in weighted if pair[1] > 0] or [(target, 1) for target in usable]


class ConsistentHash:
    """The same target for the same caller, in every worker and replica.

    Targets have points on a circle, as many as their weight says; a caller belongs to the next point. When a target
    goes, only its own callers move.
    """

    __slots__ = ("_key", "_owners", "_places", "_points")

    def __init__(self, targets: Sequence[TargetConnections], weights: Sequence[int], balance: Balance) -> None:
        whole = sum(max(weight, 0) for weight in weights)
        self._points: dict[TargetConnections, list[int]] = {}
        for target, weight in zip(targets, weights, strict=True):
            share = round(_POINTS * len(weights) * max(weight, 0) / whole) if whole else _POINTS
            many = min(max(share, 1 if weight > 0 else 0), _MOST_POINTS)
            self._points[target] = [_place(b"%s %d" % (target.authority, number)) for number in range(many)]
        self._key = _key_of(balance)
        self.use(targets)

    def choose(self, exchange: Exchange | None = None) -> TargetConnections:
        """Return the target that the caller belongs to. Raises `UpstreamError` when there is none."""
        owners = self._owners
        if not owners:
            raise UpstreamError(NO_TARGET)
        if len(owners) == 1:
            return owners[0]
        key = b"" if exchange is None else self._key(exchange)
        return owners[bisect(self._places, _place(key)) % len(owners)]

    def use(self, usable: Sequence[TargetConnections]) -> None:
        """Leave only these on the circle."""
        circle = sorted(
            ((place, target) for target in usable for place in self._points[target]), key=lambda pair: pair[0]
        )
        self._places = [place for place, _ in circle]
        # Where none of those left has a share, they share all the same.
        self._owners = [target for _, target in circle] or list(usable)


def _place(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest())


def _key_of(balance: Balance) -> Callable[[Exchange], bytes]:
    """Return what tells one caller from another."""
    if balance.hash_on == "path":
        return lambda exchange: exchange.request.path
    if balance.hash_on == "client":
        return lambda exchange: exchange.client.peer.encode()
    name = balance.header.lower().encode()

    def header(exchange: Exchange) -> bytes:
        return next((value for field, value in exchange.request.headers() if field == name), b"")

    return header


def balancer_of(targets: Sequence[TargetConnections], weights: Sequence[int], balance: Balance) -> Balancer:
    """Return what chooses among targets."""
    if len(targets) == 1:
        return Single(targets[0])
    if balance.policy == "least_active":
        return LeastActive(targets, weights)
    if balance.policy == "consistent_hash":
        return ConsistentHash(targets, weights, balance)
    return RoundRobin(targets, weights)
