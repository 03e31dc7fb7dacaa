"""Questions about certificates: who uses them, and which of them end soon."""

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from portal.gateways.models import Certificate, Listener

SOON = timedelta(days=30)
URGENT = timedelta(days=7)


class Expiry(enum.StrEnum):
    """How near the end of a certificate is."""

    VALID = "valid"
    SOON = "expiring"
    URGENT = "expiring_now"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """Return it as people read it."""
        return {
            "valid": "Valid",
            "expiring": "Expires within 30 days",
            "expiring_now": "Expires within 7 days",
            "expired": "Expired",
        }[self.value]


def certificate_expiry(certificate: Certificate, now: datetime) -> Expiry:
    """Tell how near the end of a certificate is at `now`."""
    left = certificate.not_after - now
    if left <= timedelta():
        return Expiry.EXPIRED
    if left <= URGENT:
        return Expiry.URGENT
    return Expiry.SOON if left <= SOON else Expiry.VALID


def certificates_by_expiry(queryset: Any, expiry: str, now: datetime) -> Any:
    """Return the certificates of a queryset that are as near to their end."""
    bounds = {
        Expiry.EXPIRED: (None, now),
        Expiry.URGENT: (now, now + URGENT),
        Expiry.SOON: (now, now + SOON),
        Expiry.VALID: (now + SOON, None),
    }
    after, until = bounds[Expiry(expiry)]
    if after is not None:
        queryset = queryset.filter(not_after__gt=after)
    return queryset if until is None else queryset.filter(not_after__lte=until)


def certificates_ending(queryset: Any, now: datetime) -> Any:
    """Return the certificates that need somebody's care, the nearest end first."""
    return queryset.filter(not_after__lte=now + SOON).order_by("not_after", "pk")


def certificate_listeners(certificate: Certificate) -> Iterable[Listener]:
    """Return the listeners that serve a certificate."""
    return (
        Listener.objects.filter(certificates__certificate=certificate)
        .select_related("gateway__environment__organization")
        .order_by("gateway__name", "port")
    )
