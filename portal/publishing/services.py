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
from portal.publishing.builder import Built, document_of
from portal.publishing.errors import PublishError
from portal.publishing.making import revision_create, revision_next
from portal.publishing.models import Hold, HoldReason, PublishRequest, Revision, RolloutState
from portal.publishing.noting import (
    MESSAGE_LIMIT,
    hold_begin,
    joined_lines,
    joined_names,
    note_waiting,
    remark_staged,
    request_locked,
)
from portal.publishing.rollouts import open_rollout, rollout_close, rollout_open, staging_of, trial_values
from portal.publishing.sealing import revision_document
from portal.publishing.staging import effective, settings_restored

log = logging.getLogger(__name__)


@transaction.atomic
def publish_request(*, gateway: Gateway, actor: Any = None, message: str = "", waits: bool = True) -> PublishRequest:
    """Note in the caller's transaction that `gateway` needs a new revision, and start on commit.

    With `waits` it is a change that a held gateway does not take: it is noted there, and said to whoever made it.
    """
    request = request_locked(gateway)
    hold = Hold.objects.filter(gateway=gateway).select_related("revision").first() if waits else None
    if hold is not None:
        note_waiting(hold, actor, message)
    else:
        if waits:
            _stage(gateway, actor)
        request.message = joined_lines(request.message, message)
        request.actor_name = joined_names(request.actor_name, actor)
    # Of several changes that become one revision, the first has waited longest.
    request.requested_at = request.requested_at or timezone.now()
    request.requested = F("requested") + 1
    request.save()
    publish_start(gateway_id=gateway.pk)
    request.refresh_from_db()
    return request


def _stage(gateway: Gateway, actor: Any) -> None:
    """Let a change become a candidate where the gateway has one, or stages all changes."""
    rollout = open_rollout(gateway)
    if rollout is None:
        staging = staging_of(gateway)
        stable = Revision.objects.filter(gateway=gateway).defer("envelope").order_by("-number").first()
        if not staging.stage_changes or stable is None:
            return
        rollout = rollout_open(gateway=gateway, stable=stable, actor=actor, values=trial_values(staging))
    remark_staged(rollout)


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
            revision = revision_next(request, revision, used)
    revision_send(revision=revision, client=client)
    PublishRequest.objects.filter(gateway_id=gateway_id, published__lt=requested).update(published=requested)
    PublishRequest.objects.filter(gateway_id=gateway_id).exclude(error="").update(error="")
    return revision


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
    """Publish APIs, policies, listeners and settings of an older revision again, and hold the gateway on them.

    Client applications, contracts, tiers, certificates and what services may be asked stay those of now: what was
    revoked, renewed or forbidden since does not come back. What is saved from now on waits until the hold is ended.
    """
    gateway = Gateway.objects.select_related("environment").get(pk=revision.gateway_id)
    request = request_locked(gateway)
    latest = Revision.objects.filter(gateway=gateway).order_by("-number")[0]
    old = effective(revision_document(revision))
    rollout = open_rollout(gateway)
    if rollout is not None:
        text = f"Revision {revision.number} was restored."
        rollout_close(rollout=rollout, state=RolloutState.UNDONE, actor=actor, reason=text)
    own = settings_restored(old, revision_document(latest))
    document = document_of(gateway, old.listeners, old.apis, own)
    encoded = schema.encode(document)
    if schema.digest(encoded) == latest.digest:
        raise ApplicationError(
            "revision_already_running",
            f"Revision {latest.number} already has this configuration. There is nothing to restore.",
            status=409,
        )
    restored = revision_create(
        gateway,
        Built(document, revision.quarantined),
        encoded,
        number=latest.number + 1,
        actor_name=str(actor),
        message=f"Restored revision {revision.number}",
        requested_at=timezone.now(),
    )
    hold_begin(gateway, revision, HoldReason.RESTORED, actor, request)
    audit_record(
        actor=actor,
        action="revision.restore",
        target=restored,
        before={"revision": latest.number},
        after={"revision": restored.number, "restored": revision.number},
    )
    publish_start(gateway_id=gateway.pk)
    return restored


@transaction.atomic
def hold_release(*, hold: Hold, actor: Any) -> None:
    """End a hold: what was saved meanwhile is published, by whom and as what it was saved."""
    gateway = hold.gateway
    request_locked(gateway)
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
    people = joined_names(waiting.waiting_actors, actor)
    publish_request(gateway=gateway, actor=people, message=waiting.waiting_message or "Ended the hold")
