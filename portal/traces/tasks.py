"""Celery's way into traces."""

from celery import shared_task

from portal.core.redis import connection
from portal.traces.services import traces_expire, traces_ingest

PIECES_PER_RUN = 10


@shared_task(name="traces.ingest")
def ingest() -> None:
    """Store what gateways have told since the last run."""
    for _ in range(PIECES_PER_RUN):
        if not traces_ingest(client=connection()):
            return


@shared_task(name="traces.expire")
def expire() -> None:
    """Remove what is old or too much."""
    traces_expire()
