"""Celery's way into alerts."""

from celery import shared_task
from django.core.cache import cache

from portal.alerts.delivery import notices_deliver
from portal.alerts.evaluation import alerts_evaluate
from portal.alerts.services import notices_forget

# One run at a time, so that slow receivers never hold more than one of the jobs' threads. Whoever ends without
# giving it back holds it for this long.
HELD_SECONDS = 45
_RUNNING = "alerts:delivering"


@shared_task(name="alerts.evaluate")
def evaluate() -> None:
    """Judge every alert."""
    alerts_evaluate()


@shared_task(name="alerts.deliver")
def deliver() -> None:
    """Send what is due."""
    if not cache.add(_RUNNING, "1", HELD_SECONDS):
        return
    try:
        notices_deliver()
    finally:
        cache.delete(_RUNNING)


@shared_task(name="alerts.forget")
def forget() -> None:
    """Take away what has been kept for long enough."""
    notices_forget()
