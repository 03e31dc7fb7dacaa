"""Housekeeping of credentials."""

from celery import shared_task

from portal.contracts.services import credentials_expire


@shared_task(name="contracts.expire_credentials")
def expire_credentials() -> None:
    """End the secrets whose overlap after a rotation is over."""
    credentials_expire()
