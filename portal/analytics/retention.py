"""How long figures are kept: the finer they are, the shorter."""

import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.analytics.models import Span, TrafficMinute, TrafficSummary

# Rows of one kind that are taken away at once, so that ingest never waits long for the database.
PIECE = 5000


def traffic_forget() -> int:
    """Take away a piece of what has been kept for long enough. Return how many rows went; 0 when nothing is left."""
    today = timezone.now()

    def before(days: int) -> datetime.datetime:
        return today - datetime.timedelta(days=days)

    minutes, quarters, days = settings.KEEP_TRAFFIC_DAYS
    return sum(
        _forget(rows)
        for rows in (
            TrafficMinute.objects.filter(minute__lt=before(minutes)),
            TrafficSummary.objects.filter(span=Span.MINUTE, start__lt=before(minutes)),
            TrafficSummary.objects.filter(span=Span.QUARTER, start__lt=before(quarters)),
            TrafficSummary.objects.filter(span=Span.DAY, start__lt=before(days)),
        )
    )


def _forget(rows: Any) -> int:
    piece = list(rows.values_list("pk", flat=True)[:PIECE])
    if not piece:
        return 0
    gone: int = rows.model.objects.filter(pk__in=piece).delete()[0]
    return gone
