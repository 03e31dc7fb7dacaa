"""Celery's way into publishing."""

from typing import Any

import redis
from celery import shared_task

from portal.publishing import services
from portal.publishing.errors import PublishError
from portal.publishing.reports import reports_collect
from portal.publishing.rollout_services import rollouts_judge
from portal.publishing.selectors import gateways_to_publish

RETRIES = 4


@shared_task(bind=True, name="publishing.publish", acks_late=True, max_retries=RETRIES)
def publish(self: Any, gateway_id: str) -> None:
    """Publish one gateway; a passing trouble is tried again after 1, 2, 4 and 8 seconds, then left to the sweep."""
    try:
        services.gateway_publish(gateway_id=gateway_id)
    except Exception as error:
        services.publish_failed(gateway_id=gateway_id, error=error)
        if isinstance(error, PublishError) and error.permanent:
            raise
        raise self.retry(exc=error, countdown=2**self.request.retries) from error


@shared_task(name="publishing.sweep")
def sweep() -> None:
    """Start whatever was asked for and is not in Redis."""
    for gateway_id in gateways_to_publish():
        # The next sweep is its next try.
        publish.apply_async(args=[str(gateway_id)], retries=RETRIES)


@shared_task(name="publishing.judge")
def judge() -> None:
    """Undo or promote what is staged, as its budget says."""
    rollouts_judge()


@shared_task(name="publishing.collect", autoretry_for=(redis.RedisError,), max_retries=0)
def collect() -> None:
    """Take over what replicas report."""
    reports_collect()
