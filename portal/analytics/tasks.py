"""Celery's way into analytics."""

from celery import shared_task

from portal.analytics.retention import traffic_forget
from portal.analytics.services import traffic_ingest
from portal.core.redis import connection

# A backlog is taken over in pieces, so that one run never holds the database for long.
PIECES_PER_RUN = 20


@shared_task(name="analytics.ingest")
def ingest() -> None:
    """Store what gateways have sent since the last run."""
    for _ in range(PIECES_PER_RUN):
        if not traffic_ingest(client=connection()):
            return


@shared_task(name="analytics.forget")
def forget() -> None:
    """Take away figures that have been kept for long enough."""
    for _ in range(PIECES_PER_RUN):
        if not traffic_forget():
            return
