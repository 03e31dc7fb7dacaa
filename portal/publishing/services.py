"""Writing gateway configuration: note the request, build and number the revision, bring it to Redis.

Whatever dies in between, the sweep finds what is left to do: the request and the revision are rows before Redis hears
of them, and sending a revision again changes nothing.
"""

import logging
from typing import Any

import redis
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gateway_runtime.schema import document as schema
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.core.redis import connection
from portal.core.remarks import remark_add
from portal.gateways.models import Gateway
from portal.publishing import store
from portal.publishing.builder import Built, build, document_of
from portal.publishing.errors import PublishError
from portal.publishing.models import Hold, HoldReason, PublishRequest, Revision
from portal.publishing.sealing import document_seal, revision_document

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 2000
SYSTEM = "Portico"


@transaction.atomic
def publish_request(*, gateway: Gateway, actor: Any = None, message: str = "", waits: bool = True) -> PublishRequest:
    """Note in the caller's transaction that `gateway` needs a new revision, and start on commit.

    With `waits` it is a change that a held gateway does not take: it is noted there, and said to whoever made it.
    """
    request = _request_locked(gateway)
    hold = Hold.objects.filter(gateway=gateway).select_related("revision").first() if waits else None
    if hold is not None:
        _note_waiting(hold, actor, message)
    else:
        request.message = _joined_lines(request.message, message)
        request.actor_name = _joined_names(request.actor_name, actor)
    # Of several changes that become one revision, the first has waited longest.
    request.requested_at = request.requested_at or timezone.now()
    request.requested = F("requested") + 1
    request.save()
    publish_start(gateway_id=gateway.pk)
    request.refresh_from_db()
    return request


def _request_locked(gateway: Gateway) -> PublishRequest:
    """Return the gateway's request under the lock that everything takes that decides on its next revision."""
    PublishRequest.objects.get_or_create(gateway=gateway)
    return PublishRequest.objects.select_for_update().get(gateway=gateway)


def _note_waiting(hold: Hold, actor: Any, message: str) -> None:
    hold.waiting_message = _joined_lines(hold.waiting_message, message)
    hold.waiting_actors = _joined_names(hold.waiting_actors, actor)
    hold.save(update_fields=["waiting_message", "waiting_actors", "updated_at"])
    remark_add(
        f"{hold.gateway} is held on revision {hold.revision.number}: the change is saved and waits. "
        "The gateway's page shows what waits and publishes it.",
        code=f"change-waits gateway={hold.gateway_id}",
    )


def _joined_lines(known: str, added: str) -> str:
    return "\n".join(dict.fromkeys([*known.splitlines(), *added.splitlines()]))[:MESSAGE_LIMIT]


def _joined_names(known: str, actor: Any) -> str:
    added = str(actor) if actor is not None else SYSTEM
    return ", ".join(dict.fromkeys([*filter(None, known.split(", ")), *added.split(", ")]))[:254]


def publish_start(*, gateway_id: Any) -> None:
    """Hand the gateway to a Celery worker when the transaction commits. Without a broker the sweep picks it up."""
    from portal.publishing.tasks import publish  # tasks are the interface above services

    def start() -> None:
        try:
            publish.apply_async(args=[str(gateway_id)], retry=False, ignore_result=True)
        except Exception as error:
            log.warning("The publish of gateway %s waits for the sweep: %s", gateway_id, error)

    transaction.on_commit(start)


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
    if latest is not None and previous is not None and Hold.objects.filter(gateway=gateway).exists():
        built = _held(gateway, latest, previous)
    else:
        built = build(gateway, previous)
    encoded = schema.encode(built.document)
    if latest is None or schema.digest(encoded) != latest.digest or used > latest.number:
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


def _held(gateway: Gateway, latest: Revision, previous: schema.Document) -> Built:
    """Return the APIs and listeners of the latest revision with everything else as it is now."""
    return Built(document_of(gateway, previous.listeners, previous.apis), latest.quarantined)


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
    """Publish the APIs and policies of an older revision under a new number, and hold the gateway on them.

    Client applications, contracts, tiers and what services may be asked stay those of now: what was revoked or
    forbidden since does not come back. What is saved from now on waits until the hold is ended.
    """
    gateway = Gateway.objects.select_related("environment").get(pk=revision.gateway_id)
    request = _request_locked(gateway)
    latest = Revision.objects.filter(gateway=gateway).order_by("-number")[0]
    old = revision_document(revision)
    document = document_of(gateway, old.listeners, old.apis)
    encoded = schema.encode(document)
    if schema.digest(encoded) == latest.digest:
        raise ApplicationError(
            "revision_already_running",
            f"Revision {latest.number} already has this configuration. There is nothing to restore.",
            status=409,
        )
    restored = _revision_create(
        gateway,
        Built(document, revision.quarantined),
        encoded,
        number=latest.number + 1,
        actor_name=str(actor),
        message=f"Restored revision {revision.number}",
        requested_at=timezone.now(),
    )
    _hold_begin(gateway, revision, HoldReason.RESTORED, actor, request)
    audit_record(
        actor=actor,
        action="revision.restore",
        target=restored,
        before={"revision": latest.number},
        after={"revision": restored.number, "restored": revision.number},
    )
    publish_start(gateway_id=gateway.pk)
    return restored


def _hold_begin(gateway: Gateway, revision: Revision, reason: HoldReason, actor: Any, request: PublishRequest) -> Hold:
    """Hold a gateway on its latest revision. What was noted and is not in a revision yet waits from now on."""
    hold = Hold.objects.filter(gateway=gateway).first() or Hold(gateway=gateway)
    hold.revision, hold.reason, hold.actor_name = revision, reason, str(actor)
    hold.waiting_message = _joined_lines(hold.waiting_message, request.message)
    if request.actor_name:
        hold.waiting_actors = _joined_names(hold.waiting_actors, request.actor_name)
    hold.save()
    request.message, request.actor_name, request.requested_at = "", "", None
    request.save(update_fields=["message", "actor_name", "requested_at"])
    return hold


@transaction.atomic
def hold_release(*, hold: Hold, actor: Any) -> None:
    """End a hold: what was saved meanwhile is published, by whom and as what it was saved."""
    gateway = hold.gateway
    _request_locked(gateway)
    waiting = Hold.objects.filter(pk=hold.pk).first()
    if waiting is None:
        raise ApplicationError("hold_ended", f"{gateway} is not held any more. Nothing waits.", status=409)
    audit_record(
        actor=actor,
        action="hold.release",
        target=hold,
        before={"held_on_revision": hold.revision.number, "waiting": waiting.waiting_message},
    )
    waiting.delete()
    people = _joined_names(waiting.waiting_actors, actor)
    publish_request(gateway=gateway, actor=people, message=waiting.waiting_message or "Ended the hold")
