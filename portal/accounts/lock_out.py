"""How many wrong passwords are let through before nobody may try for a while, and how long that is.

Wrong passwords are counted for an account at one address, for an account at all addresses, and for an address. Each
count that reaches its limit locks, each time twice as long. None of them locks an owner out for ever: a browser in
which they have signed in before has a count of its own instead, and a reset by mail makes any browser such a one.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from axes.handlers.base import AxesHandler
from axes.helpers import get_client_username
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.accounts.models import SignInCount, User

FIRST = timedelta(minutes=15)
LONGEST = timedelta(hours=24)
# Shorter: it keeps the owner out too, in a browser that is new to them.
LONGEST_FOR_ACCOUNT = timedelta(hours=1)
# A count is forgotten when nothing was added to it, and it locked nothing, for so long.
FORGOTTEN_AFTER = timedelta(hours=24)
# Times the limit of an account at one address. Behind one address there may be many people.
ACCOUNT_TIMES, ADDRESS_TIMES = 5, 10
COOKIE = "portico_known"
COOKIE_LASTS = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Count:
    """One of the counts that an attempt belongs to."""

    name: str
    limit: int
    longest: timedelta = LONGEST


def _name(kind: str, *parts: str) -> str:
    return hashlib.sha256("\0".join((kind, *parts)).encode()).hexdigest()


def _network(address: str) -> str:
    """Return an address as it is counted: of the newer kind everybody has a whole /64."""
    if not address:
        return ""
    parsed = ip_address(address)
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _known_browser(request: HttpRequest, account: str) -> str:
    """Return the name of this browser if somebody has signed in to the account with it before."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_LASTS)
    except signing.BadSignature:
        return ""
    return known["browser"] if known["account"] == _name("account", account) else ""


def remember_browser(response: HttpResponse, user: User) -> None:
    """Let the browser be known as one of this person."""
    known = {"account": _name("account", user.email), "browser": secrets.token_hex(16)}
    response.set_cookie(
        COOKIE,
        signing.dumps(known, salt=COOKIE),
        max_age=COOKIE_LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _counts(request: Any, credentials: dict[str, Any] | None) -> list[Count]:
    account = (get_client_username(request, credentials) or "").strip().lower()
    limit = settings.AXES_FAILURE_LIMIT
    if browser := _known_browser(request, account):
        return [Count(_name("browser", account, browser), limit)]
    network = _network(request.axes_ip_address or "")
    return [
        Count(_name("pair", account, network), limit),
        Count(_name("account", account), limit * ACCOUNT_TIMES, LONGEST_FOR_ACCOUNT),
        Count(_name("address", network), limit * ADDRESS_TIMES),
    ]


class GrowingLockOut(AxesHandler):
    """Keeps the counts in `SignInCount`. Known and unknown accounts are counted alike."""

    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        """Tell whether one of the counts is locked, and note until when."""
        names = [count.name for count in _counts(request, credentials)]
        locked = SignInCount.objects.filter(name__in=names, locked_until__gt=timezone.now())
        request.sign_in_locked_until = locked.aggregate(until=Max("locked_until"))["until"]
        return request.sign_in_locked_until is not None

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count a wrong password. During a lock-out nothing is counted, so nobody prolongs it."""
        if request is None or request.axes_locked_out or self.is_whitelisted(request, credentials):
            return
        locks = [_add(count) for count in _counts(request, credentials)]
        until = max((lock for lock in locks if lock is not None), default=None)
        if until is not None:
            request.axes_locked_out, request.sign_in_locked_until = True, until

    def user_logged_in(self, sender: Any, request: Any, user: User, **kwargs: Any) -> None:
        """Forget the mistakes made here. What others tried elsewhere still counts."""
        if hasattr(request, "axes_ip_address"):
            here = _counts(request, {settings.AXES_USERNAME_FORM_FIELD: user.email})[0]
            SignInCount.objects.filter(name=here.name).delete()


@transaction.atomic
def _add(count: Count) -> Any:
    """Add one; return until when it is locked by that."""
    now = timezone.now()
    row, _ = SignInCount.objects.select_for_update().get_or_create(name=count.name, defaults={"changed_at": now})
    if max(row.changed_at, row.locked_until or row.changed_at) <= now - FORGOTTEN_AFTER:
        row.failures = row.lock_outs = 0
    row.failures, row.changed_at = row.failures + 1, now
    lock = None
    if row.failures >= count.limit:
        # Ten times twice as long is beyond every limit.
        lock = now + min(FIRST * 2 ** min(row.lock_outs, 10), count.longest)
        row.failures, row.lock_outs, row.locked_until = 0, min(row.lock_outs + 1, 10), lock
    row.save()
    return lock


def counts_forget() -> None:
    """Delete the counts that no longer matter."""
    before = timezone.now() - FORGOTTEN_AFTER - LONGEST
    SignInCount.objects.filter(changed_at__lte=before).delete()
