"""Every change of webhooks. The secret is given back once, by the service that makes it, and recorded nowhere."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from portal.alerts.models import AlertNotice, AlertWebhook, NoticeState
from portal.audit.services import audit_record
from portal.core.addresses import is_private_host
from portal.core.egress import address_faults
from portal.core.errors import ApplicationError
from portal.organizations.models import Environment

PREFIX = "whsec_"
_SENTENCES = {
    "url_invalid": "Give an address that begins with https:// or http://.",
    "url_credentials": "Remove the user name and password from the address.",
}


@dataclass(frozen=True, slots=True)
class WebhookWithSecret:
    """A webhook, and the secret that is shown this once."""

    webhook: AlertWebhook
    secret: str


@transaction.atomic
def webhook_create(*, actor: Any, environment: Environment, name: str, url: str) -> WebhookWithSecret:
    """Make a webhook with a secret of its own."""
    webhook = AlertWebhook(environment=environment, name=name, url=url, secret=_new_secret())
    _save(webhook)
    audit_record(actor=actor, action="alert_webhook.create", target=webhook, after=_described(webhook))
    return WebhookWithSecret(webhook, webhook.secret)


@transaction.atomic
def webhook_update(*, actor: Any, webhook: AlertWebhook, name: str, url: str) -> AlertWebhook:
    """Change where notices go. The secret stays."""
    before = _described(AlertWebhook.objects.get(pk=webhook.pk))
    webhook.name, webhook.url = name, url
    _save(webhook)
    audit_record(actor=actor, action="alert_webhook.update", target=webhook, before=before, after=_described(webhook))
    return webhook


@transaction.atomic
def webhook_rotate(*, actor: Any, webhook: AlertWebhook) -> WebhookWithSecret:
    """Sign with another secret from now on."""
    webhook.secret = _new_secret()
    webhook.save(update_fields=["secret", "updated_at"])
    audit_record(actor=actor, action="alert_webhook.rotate", target=webhook)
    return WebhookWithSecret(webhook, webhook.secret)


@transaction.atomic
def webhook_delete(*, actor: Any, webhook: AlertWebhook) -> None:
    """Delete a webhook. What waits for it is not sent any more."""
    audit_record(actor=actor, action="alert_webhook.delete", target=webhook, before=_described(webhook))
    AlertNotice.objects.filter(webhook=webhook, state=NoticeState.WAITING).update(state=NoticeState.FAILED)
    webhook.delete()


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _described(webhook: AlertWebhook) -> dict[str, Any]:
    # A query may hold a token.
    return {"name": webhook.name, "url": webhook.url.partition("?")[0]}


def _save(webhook: AlertWebhook) -> None:
    fault = _SENTENCES.get(address_faults(webhook.url), "")
    if not fault and not settings.ALLOW_PRIVATE_WEBHOOKS and is_private_host(urlsplit(webhook.url).hostname or ""):
        fault = "The address is on a private network, to which nothing is sent."
    if fault:
        raise ApplicationError("invalid", "Some fields need another value.", fields={"url": fault})
    taken = AlertWebhook.objects.filter(environment=webhook.environment, name=webhook.name).exclude(pk=webhook.pk)
    if taken.exists():
        message = f"There is a webhook named {webhook.name} in this environment. Choose another name."
        raise ApplicationError("webhook_name_taken", message, fields={"name": message})
    webhook.save_checked()
