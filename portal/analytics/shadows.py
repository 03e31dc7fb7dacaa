"""What policies in shadow mode would have refused."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum


@dataclass(frozen=True, slots=True)
class ShadowVerdict:
    """Calls that one policy would have ended for one reason. `applications` are those that are known."""

    policy: str
    code: str
    status: int
    calls: int
    applications: int


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """All verdicts of a time. An application that met several of them counts once."""

    calls: int
    applications: int
    verdicts: list[ShadowVerdict]


def shadow_figures(*, rows: Any, start: datetime.datetime, end: datetime.datetime) -> ShadowFigures:
    """Return what would have been refused among `rows` (a queryset of `TrafficMinute` the caller may see)."""
    found = rows.filter(minute__gte=start, minute__lt=end, shadowed__gt=0)
    applications = Count("application", distinct=True, filter=~Q(application=""))
    verdicts = [
        ShadowVerdict(**row)
        for row in found.values("policy", "code", "status")
        .annotate(calls=Sum("shadowed"), applications=applications)
        .order_by("-calls", "policy", "code", "status")
    ]
    if len(verdicts) < 2:
        only = verdicts[0] if verdicts else ShadowVerdict("", "", 0, 0, 0)
        return ShadowFigures(only.calls, only.applications, verdicts)
    together = found.aggregate(calls=Sum("shadowed"), applications=applications)
    return ShadowFigures(together["calls"], together["applications"], verdicts)
