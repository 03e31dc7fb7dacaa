"""Writing gateway configuration: note the request, build and number the revision, bring it to Redis.

Whatever dies in between, the sweep finds what is left to do: the request and the revision are rows before Redis hears
of them, and sending a revision again changes nothing.
"""

import logging
from dataclasses import dataclass
from typing import Any

import redis
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gateway_runtime.schema import document as schema
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.core.redis import connection
from portal.gateways.models import Gateway
from portal.publishing import store
from portal.publishing.builder import Built, build, document_of
from portal.publishing.errors import PublishError
from portal.publishing.listeners import with_present_certificates
from portal.publishing.models import PublishRequest, Revision
from portal.publishing.sealing import document_seal, is_sealed_for_now, revision_document

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 2000
SYSTEM = "Portico"


@transaction.atomic
def publish_request(*, gateway: Gateway, actor: Any = None, message: str = "") -> PublishRequest:
    """Note in the caller's transaction that `gateway` needs a new revision, and start on commit."""
    PublishRequest.objects.get_or_create(gateway=gateway)
    request = PublishRequest.objects.select_for_update().get(gateway=gateway)
    messages = [*request.message.splitlines(), message] if message else request.message.splitlines()
    actors = [*filter(None, request.actor_name.split(", ")), str(actor) if actor is not None else SYSTEM]
    request.message = "\n".join(dict.fromkeys(messages))[:MESSAGE_LIMIT]
    request.actor_name = ", ".join(dict.fromkeys(actors))[:254]
    # Of several changes that become one revision, the first has waited longest.
    request.requested_at = request.requested_at or timezone.now()
    request.requested = F("requested") + 1
    request.save()
    publish_start(gateway_id=gateway.pk)
    request.refresh_from_db()
    return request


def publish_start(*, gateway_id: Any) -> None:
    """Hand the gateway to a Celery worker when the transaction commits. Without a broker the sweep picks it up."""
    start = _Start(gateway_id)
    # Many changes in one transaction are one publish. What is undone with a savepoint is not waiting any more.
    if not any(waiting == start for _, waiting, _ in transaction.get_connection().run_on_commit):
        transaction.on_commit(start)


@dataclass(frozen=True, slots=True)
class _Start:
    """Hands one gateway to a Celery worker."""

    gateway_id: Any

    def __call__(self) -> None:
        from portal.publishing.tasks import publish  # tasks are the interface above services

        try:
            publish.apply_async(args=[str(self.gateway_id)], retry=False, ignore_result=True)
        except Exception as error:
            log.warning("The publish of gateway %s waits for the sweep: %s", self.gateway_id, error)


def gateway_publish(*, gateway_id: Any, client: "redis.Redis | None" = None) -> Revision | None:
    """Bring the gateway's configuration to Redis as it is in the database now.

    A new number is used only when something changed. Raises `PublishError`, or a Redis error to be tried again.
    """
    client = client or connection()
    try:
        # Read before the row lock: rows are committed before Redis hears of them, so a number above the newest row
        # means that the database came back from an older copy. Gateways refuse a number they have passed.
        used = store.highest_number(client, str(gateway_id))
    except redis.RedisError:
        used = 0
    with transaction.atomic():
        request = PublishRequest.objects.select_for_update().filter(gateway_id=gateway_id).first()
        if request is None:
            return None
        requested = request.requested
        revision = Revision.objects.filter(gateway_id=gateway_id).order_by("-number").first()
        if requested > request.published or revision is None or used > revision.number:
            revision = _revision_next(request, revision, used)
    revision_send(revision=revision, client=client)
    PublishRequest.objects.filter(gateway_id=gateway_id, published__lt=requested).update(published=requested)
    PublishRequest.objects.filter(gateway_id=gateway_id).exclude(error="").update(error="")
    return revision


def _revision_next(request: PublishRequest, latest: Revision | None, used: int) -> Revision:
    """Return the latest revision when it has the configuration of now, else a new one."""
    gateway = Gateway.objects.select_related("environment").get(pk=request.gateway_id)
    previous = revision_document(latest) if latest else None
    built = build(gateway, previous)
    encoded = schema.encode(built.document)
    unchanged = latest is not None and schema.digest(encoded) == latest.digest and is_sealed_for_now(latest)
    if latest is None or not unchanged or used > latest.number:
        number = max(latest.number if latest else 0, used) + 1
        latest = _revision_create(
            gateway,
            built,
            encoded,
            number=number,
            actor_name=request.actor_name or SYSTEM,
            message=request.message,
            requested_at=request.requested_at or timezone.now(),
        )
    # What is noted from now on belongs to the next revision.
    request.actor_name, request.message, request.requested_at = "", "", None
    request.save(update_fields=["actor_name", "message", "requested_at"])
    return latest


def _revision_create(gateway: Gateway, built: Built, encoded: bytes, *, number: int, **fields: Any) -> Revision:
    digest = schema.digest(encoded)
    sealed = document_seal(gateway, encoded, number=number, digest=digest)
    return Revision.objects.create(
        gateway=gateway,
        number=number,
        digest=digest,
        sections=schema.sections(built.document),
        envelope=sealed,
        quarantined=built.quarantined,
        **fields,
    )


def revision_send(*, revision: Revision, client: "redis.Redis | None" = None) -> None:
    """Make sure that Redis has this revision, or a newer one."""
    client = client or connection()
    if not store.revision_is_current(client, revision) and not store.revision_write(client, revision):
        return
    if revision.published_at is None:
        revision.published_at = timezone.now()
        Revision.objects.filter(pk=revision.pk, published_at=None).update(published_at=revision.published_at)


def publish_failed(*, gateway_id: Any, error: Exception) -> None:
    """Keep the reason for the gateway's page."""
    reason = error.message if isinstance(error, PublishError) else f"{type(error).__name__}: {error}"
    PublishRequest.objects.filter(gateway_id=gateway_id).update(error=reason[:MESSAGE_LIMIT])


@transaction.atomic
def revision_restore(*, revision: Revision, actor: Any) -> Revision:
    """Publish the APIs and policies of an older revision under a new number.

    Client applications, contracts, tiers, certificates and what services may be asked stay those of now: what was
    revoked, renewed or forbidden since does not come back. The next change in the console publishes the console's
    state again.
    """
    PublishRequest.objects.get_or_create(gateway=revision.gateway)
    PublishRequest.objects.select_for_update().get(gateway=revision.gateway)
    latest = Revision.objects.filter(gateway=revision.gateway).order_by("-number")[0]
    gateway = Gateway.objects.select_related("environment").get(pk=revision.gateway_id)
    old = revision_document(revision)
    document = document_of(gateway, with_present_certificates(gateway, old.listeners), old.apis)
    encoded = schema.encode(document)
    if schema.digest(encoded) == latest.digest:
        raise ApplicationError(
            "revision_already_running",
            f"Revision {latest.number} already has this configuration. There is nothing to restore.",
            status=409,
        )
    restored = _revision_create(
        revision.gateway,
        Built(document, revision.quarantined),
        encoded,
        number=latest.number + 1,
        actor_name=str(actor),
        message=f"Restored revision {revision.number}",
        requested_at=timezone.now(),
    )
    audit_record(
        actor=actor,
        action="revision.restore",
        target=restored,
        before={"revision": latest.number},
        after={"revision": restored.number, "restored": revision.number},
    )
    publish_start(gateway_id=revision.gateway_id)
    return restored
