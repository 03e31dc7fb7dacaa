"""Celery's way into gateways."""

import redis
from celery import shared_task

from portal.gateways.access import access_keep
from portal.gateways.registration_services import registrations_expire


@shared_task(name="gateways.keep_access", autoretry_for=(redis.RedisError,), max_retries=0)
def keep_access() -> None:
    """End what is due, and make sure that Redis knows the users of gateways, also after it was started anew."""
    registrations_expire()
    access_keep()
