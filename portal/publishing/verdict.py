"""How a candidate does beside what all others get, and whether that is within its budget."""

import datetime
from collections import Counter
from dataclasses import dataclass, field

from django.utils import timezone

from gateway_runtime.schema.histogram import quantile
from gateway_runtime.schema.replica import CANDIDATE_REFUSED
from portal.gateways.selectors import ConnectionState, replica_state
from portal.publishing.models import Rollout


@dataclass(slots=True)
class Figures:
    """Requests to the APIs that differ, as one of the two revisions answered them."""

    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: Counter[int] = field(default_factory=Counter)

    @property
    def error_percent(self) -> float | None:
        """Return the share of 5xx in percent; None without requests."""
        return 100 * self.errors / self.requests if self.requests else None

    @property
    def refused_percent(self) -> float | None:
        """Return the share that policies refused, in percent; None without requests."""
        return 100 * self.refused / self.requests if self.requests else None

    @property
    def p95_ms(self) -> float | None:
        """Return below how many milliseconds 95 % were answered."""
        micros = quantile(self.latency, 0.95)
        return None if micros is None else micros / 1000

    def failed(self, *, refusals_count: bool) -> int:
        """Return how many count against the budget."""
        return self.errors + (self.refused if refusals_count else 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a rollout, and why."""

    promote: bool
    reason: str


def rollout_figures(rollout: Rollout, since: datetime.datetime | None = None) -> tuple[Figures, Figures]:
    """Return how the stable revision and the newest candidate answered, since the candidate is there or later."""
    stable, candidate = Figures(), Figures()
    if rollout.candidate is None:
        return stable, candidate
    rows = rollout.traffic.filter(revision__in=(0, rollout.candidate.number))
    start = max(filter(None, (since, rollout.candidate.created_at)))
    for row in rows.filter(moment__gte=start - datetime.timedelta(seconds=10)):
        found = candidate if row.revision else stable
        found.requests += row.requests
        found.errors += row.errors
        found.refused += row.refused
        found.latency.update({int(bucket): count for bucket, count in row.latency.items()})
    return stable, candidate


def rollout_verdict(rollout: Rollout, now: datetime.datetime | None = None) -> Verdict | None:
    """Return what the budget of an open rollout asks for now; None while it is to go on."""
    now = now or timezone.now()
    if rollout.candidate is None:
        return None
    if refused := _refused_by(rollout, now):
        return Verdict(promote=False, reason=refused)
    if rollout.error_percent is not None:
        _, recent = rollout_figures(rollout, now - datetime.timedelta(minutes=rollout.window_minutes))
        failed = recent.failed(refusals_count=rollout.refusals_count)
        if recent.requests >= rollout.minimum_requests and 100 * failed > rollout.error_percent * recent.requests:
            what = "failed or were refused" if rollout.refusals_count else "failed"
            return Verdict(
                promote=False,
                reason=f"{failed} of {recent.requests} requests to the candidate {what} within "
                f"{rollout.window_minutes} min; its budget is {rollout.error_percent:g} %.",
            )
    minutes = rollout.promote_after_minutes
    if minutes is not None and now - rollout.candidate.created_at >= datetime.timedelta(minutes=minutes):
        _, whole = rollout_figures(rollout)
        if whole.requests >= rollout.minimum_requests:
            return Verdict(
                promote=True,
                reason=f"Within its budget for {minutes} min: {whole.errors} of {whole.requests} requests failed.",
            )
    return None


def _refused_by(rollout: Rollout, now: datetime.datetime) -> str:
    """Return what a replica says that could not take the candidate."""
    number = rollout.candidate.number if rollout.candidate else 0
    replicas = rollout.gateway.replicas.filter(error_code=CANDIDATE_REFUSED, revision__gte=number)
    for replica in replicas:
        if replica_state(replica, now) is ConnectionState.CONNECTED:
            return f"{replica.host} could not take the candidate: {replica.message}"
    return ""
