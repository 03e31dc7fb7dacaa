"""Sending notices that are due: mail one by one, webhooks at the same time.

A notice is claimed before it is sent: the pause until its next attempt begins then. Whoever is killed in between has
sent it or not; it is sent again after the pause, under the same id, by which a receiver knows it.
"""

import asyncio
import datetime
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone

from portal.alerts.models import AlertNotice, NoticeState
from portal.core.egress import EgressRefused, Resolve, guarded_request

# The pauses after the attempts; after the last one a notice has failed.
PAUSES_SECONDS = (10, 60, 300, 1800, 7200, 21600)
# All of an attempt at a webhook, however slowly it answers.
WEBHOOK_SECONDS = 8.0
AT_ONCE = 20
# A claim outlives any attempt.
CLAIM = datetime.timedelta(seconds=60)
KEPT_ATTEMPTS = 20
SIGNATURE = "Portico-Signature"
NOTICE = "Portico-Notice"
_SENTENCES = {
    "url_invalid": "The address is not usable.",
    "url_credentials": "The address holds a user name or password.",
    "url_unknown_host": "The host {host} is not known.",
    "url_private": "{host} is on a private network, to which nothing is sent.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `status` is that of a webhook's answer, 0 for none; `error` is "" when it went well."""

    ms: int
    status: int = 0
    error: str = ""


def notices_deliver(*, now: datetime.datetime | None = None, resolve: Resolve | None = None) -> int:
    """Send what is due. Returns how many attempts were made."""
    due = AlertNotice.objects.filter(state=NoticeState.WAITING, next_attempt_at__lte=now or timezone.now())
    due = due.select_related("webhook").order_by("next_attempt_at")
    posts = [notice for notice in due.filter(by_mail=False)[:AT_ONCE] if _claim(notice, now)]
    for notice, outcome in zip(posts, asyncio.run(_posted(posts, resolve)) if posts else (), strict=True):
        _record(notice, outcome, now)
    mails = 0
    for notice in due.filter(by_mail=True)[:AT_ONCE]:
        # Each right before it is sent: a mail server may let the ones before it wait for long.
        if _claim(notice, now):
            _record(notice, _mailed(notice), now)
            mails += 1
    return len(posts) + mails


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the header by which a receiver knows that a notice is ours, and when it was signed."""
    code = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={code}"


def _claim(notice: AlertNotice, now: datetime.datetime | None) -> bool:
    """Tell whether it is ours to send."""
    unclaimed = AlertNotice.objects.filter(
        pk=notice.pk, state=NoticeState.WAITING, next_attempt_at=notice.next_attempt_at
    )
    return bool(unclaimed.update(next_attempt_at=(now or timezone.now()) + CLAIM))


def _record(notice: AlertNotice, outcome: Outcome, now: datetime.datetime | None) -> None:
    at = now or timezone.now()
    attempt = {"at": at.isoformat(), "ms": outcome.ms, "status": outcome.status, "error": outcome.error}
    notice.attempts = [*notice.attempts, attempt][-KEPT_ATTEMPTS:]
    if not outcome.error:
        notice.state = NoticeState.SENT
    elif notice.tries < len(PAUSES_SECONDS):
        notice.next_attempt_at = at + datetime.timedelta(seconds=PAUSES_SECONDS[notice.tries])
    else:
        notice.state = NoticeState.FAILED
    notice.tries += 1
    notice.save(update_fields=["attempts", "state", "next_attempt_at", "tries", "updated_at"])


def _mailed(notice: AlertNotice) -> Outcome:
    start = time.monotonic()
    address = notice.body["alert"]["url"] if notice.body["alert"] else ""
    context = {
        "subject": notice.title, "address": address, "button": "Open the alert", "portal_url": settings.PORTAL_URL,
        "body": notice.body, "recovered": bool(notice.body["ended_at"]),
    }  # fmt: skip
    mail = EmailMultiAlternatives(
        # A name with a line break must not become a second header.
        subject=" ".join(notice.title.split()),
        body=render_to_string("alerts/email/notice.txt", context),
        to=[notice.receiver],
        headers={"X-Portico-Notice": str(notice.pk)},
    )
    mail.attach_alternative(render_to_string("alerts/email/notice.html", context), "text/html")
    error = ""
    try:
        mail.send()
    except Exception as problem:  # whatever a mail server or its library has to say
        error = f"{type(problem).__name__}: {problem}"[:300]
    return Outcome(_since(start), error=error)


async def _posted(notices: Sequence[AlertNotice], resolve: Resolve | None) -> list[Outcome]:
    # No proxy of the environment: what is checked must be what is connected to.
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=WEBHOOK_SECONDS) as client:
        return list(await asyncio.gather(*(_post(client, notice, resolve) for notice in notices)))


async def _post(client: httpx2.AsyncClient, notice: AlertNotice, resolve: Resolve | None) -> Outcome:
    start = time.monotonic()
    try:
        status = await asyncio.wait_for(_answer(client, notice, resolve), WEBHOOK_SECONDS)
    except EgressRefused as refused:
        return Outcome(_since(start), error=_SENTENCES[refused.code].format(host=refused.host))
    except (TimeoutError, httpx2.TimeoutException):
        return Outcome(_since(start), error=f"No answer within {WEBHOOK_SECONDS:.0f} seconds.")
    except httpx2.HTTPError:
        return Outcome(_since(start), error="No connection.")
    if status == 0:
        return Outcome(_since(start), error="The webhook is deleted.")
    if 200 <= status < 300:
        return Outcome(_since(start), status=status)
    reason = "Redirects are not followed." if 300 <= status < 400 else f"It answered with status {status}."
    return Outcome(_since(start), status=status, error=reason)


async def _answer(client: httpx2.AsyncClient, notice: AlertNotice, resolve: Resolve | None) -> int:
    """Return the status of the answer; what else it says is not read."""
    if notice.webhook is None:
        return 0
    body = json.dumps(notice.body, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        NOTICE: str(notice.pk),
        SIGNATURE: signature(notice.webhook.secret, int(time.time()), body),
    }
    # A resolver may take its time; others go on meanwhile.
    request = await asyncio.to_thread(
        guarded_request, "POST", notice.webhook.url, headers=headers, content=body,
        allow_private=settings.ALLOW_PRIVATE_WEBHOOKS, resolve=resolve,
    )  # fmt: skip
    response = await client.send(request, stream=True)
    await response.aclose()
    return response.status_code


def _since(start: float) -> int:
    return round((time.monotonic() - start) * 1000)
