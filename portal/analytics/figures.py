"""What was counted in some span of time: added up from rows and from other figures, in whatever order."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# policy, code, status
Reason = tuple[str, str, int]


@dataclass(slots=True)
class Figures:
    """Requests by status, reason, application and route; bytes; latencies; what shadow policies would have ended.

    Histograms map a bucket index to a count. Requests without application or route are in neither of these.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    refusals: Counter[Reason] = field(default_factory=Counter)
    applications: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0
    latency: Counter[int] = field(default_factory=Counter)
    upstream_latency: Counter[int] = field(default_factory=Counter)
    shadowed: Counter[Reason] = field(default_factory=Counter)
    # Who met a reason is kept, so that an application counts once however often it did.
    shadowed_applications: defaultdict[Reason, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def requests(self) -> int:
        """All requests."""
        return self.statuses.total()

    def add(self, row: Any) -> None:
        """Add what one `TrafficMinute` has, or what is to be added to one."""
        reason = (row.policy, row.code, row.status)
        if row.shadowed:
            self.shadowed[reason] += row.shadowed
            if row.application:
                self.shadowed_applications[reason].add(row.application)
        if not row.requests:
            return
        self.statuses[row.status] += row.requests
        if row.application:
            self.applications[row.application] += row.requests
        if row.route:
            self.routes[row.route] += row.requests
        if row.policy:
            self.refusals[reason] += row.requests
        self.bytes_in += row.bytes_in
        self.bytes_out += row.bytes_out
        _add(self.latency, row.latency)
        _add(self.upstream_latency, row.upstream_latency)

    def merge(self, other: "Figures") -> None:
        """Add other figures."""
        for name in ("statuses", "refusals", "applications", "routes", "latency", "upstream_latency", "shadowed"):
            getattr(self, name).update(getattr(other, name))
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        for reason, applications in other.shadowed_applications.items():
            self.shadowed_applications[reason] |= applications

    def written(self) -> dict[str, Any]:
        """Return them as JSON keeps them, without what is empty."""
        plain = {
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "refusals": [[*reason, count] for reason, count in sorted(self.refusals.items())],
            "applications": dict(self.applications),
            "routes": dict(self.routes),
            "in": self.bytes_in,
            "out": self.bytes_out,
            "latency": {str(bucket): count for bucket, count in self.latency.items()},
            "upstream": {str(bucket): count for bucket, count in self.upstream_latency.items()},
            "shadowed": [
                [*reason, count, sorted(self.shadowed_applications.get(reason, ()))]
                for reason, count in sorted(self.shadowed.items())
            ],
        }
        return {name: value for name, value in plain.items() if value}

    def read(self, plain: Mapping[str, Any]) -> None:
        """Add what `written` returned."""
        _add(self.statuses, plain.get("statuses", {}))
        for policy, code, status, count in plain.get("refusals", ()):
            self.refusals[policy, code, status] += count
        self.applications.update(plain.get("applications", {}))
        self.routes.update(plain.get("routes", {}))
        self.bytes_in += plain.get("in", 0)
        self.bytes_out += plain.get("out", 0)
        _add(self.latency, plain.get("latency", {}))
        _add(self.upstream_latency, plain.get("upstream", {}))
        for policy, code, status, count, applications in plain.get("shadowed", ()):
            self.shadowed[policy, code, status] += count
            self.shadowed_applications[policy, code, status].update(applications)


def _add(into: Counter[int], counts: Mapping[Any, int]) -> None:
    for key, count in counts.items():
        into[int(key)] += count
