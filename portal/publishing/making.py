"""Making the next revision of a gateway: its document as it is to be now, numbered and sealed, under its lock."""

from typing import Any

import msgspec
from django.utils import timezone

from gateway_runtime.schema import document as schema
from portal.gateways.models import Gateway
from portal.publishing.builder import Built, build, document_of
from portal.publishing.models import Hold, PublishRequest, Revision, Rollout, RolloutKind, RolloutState
from portal.publishing.noting import SYSTEM, joined_lines, joined_names
from portal.publishing.rollouts import open_rollout, rollout_close
from portal.publishing.sealing import document_seal, is_sealed_for_now, revision_document
from portal.publishing.staging import candidate_of, effective, settings_of, with_new_listeners


def revision_next(request: PublishRequest, latest: Revision | None, used: int) -> Revision:
    """Return the latest revision when it has the configuration of now, else a new one."""
    gateway = Gateway.objects.select_related("environment").get(pk=request.gateway_id)
    previous = revision_document(latest) if latest else None
    number = max(latest.number if latest else 0, used) + 1
    rollout = open_rollout(gateway)
    if latest is None or previous is None:
        built = build(gateway)
    elif Hold.objects.filter(gateway=gateway).exists():
        built = _held(gateway, latest, previous)
    elif rollout is not None:
        built = _staged(gateway, rollout, previous, number)
    else:
        built = build(gateway, effective(previous))
    encoded = schema.encode(built.document)
    unchanged = latest is not None and schema.digest(encoded) == latest.digest and is_sealed_for_now(latest)
    if latest is None or not unchanged or used > latest.number:
        latest = revision_create(
            gateway,
            built,
            encoded,
            number=number,
            actor_name=request.actor_name or SYSTEM,
            message=request.message,
            requested_at=request.requested_at or timezone.now(),
        )
    if rollout is not None:
        _rollout_follow(rollout, latest, built.document)
    # What is noted from now on belongs to the next revision.
    request.actor_name, request.message, request.requested_at = "", "", None
    request.save(update_fields=["actor_name", "message", "requested_at"])
    return latest


def _held(gateway: Gateway, latest: Revision, previous: schema.Document) -> Built:
    """Return the APIs, listeners and settings of the latest revision with everything else as it is now."""
    document = document_of(gateway, previous.listeners, previous.apis, settings_of(previous))
    return Built(document, latest.quarantined)


def _staged(gateway: Gateway, rollout: Rollout, previous: schema.Document, number: int) -> Built:
    """Return what all others have with everything else as it is now, and beside it what the console has otherwise."""
    proposed = build(gateway, effective(previous))
    listeners = previous.listeners
    if rollout.kind == RolloutKind.PERCENT:
        listeners = with_new_listeners(listeners, proposed.document)
    apis = {api.id: api for api in [*previous.apis, *proposed.document.apis]}
    # With the APIs of both, whose contracts are there then.
    whole = document_of(gateway, listeners, list(apis.values()), settings_of(previous))
    stable = msgspec.structs.replace(whole, apis=previous.apis)
    candidate = candidate_of(rollout, proposed.document, stable, previous.candidate, number)
    document = msgspec.structs.replace(stable, candidate=candidate)
    return Built(document, proposed.quarantined)


def _rollout_follow(rollout: Rollout, latest: Revision, document: schema.Document) -> None:
    """Note which revision is tried out now, and what is in it. Without a difference there is nothing to try out."""
    candidate = document.candidate
    if candidate is None:
        reason = "The console has again what all requests get: there is nothing to try out."
        rollout_close(rollout=rollout, state=RolloutState.UNDONE, actor=SYSTEM, reason=reason)
        return
    if candidate.revision == latest.number:
        rollout.candidate = latest
        rollout.message = joined_lines(rollout.message, latest.message)
        rollout.people = joined_names(rollout.people, latest.actor_name)
    differ = [*(api.id for api in candidate.apis), *candidate.removed]
    if candidate.surroundings is not None and candidate.replica:
        # On its replica everything is answered under the candidate's listeners and settings.
        differ = list(dict.fromkeys([*differ, *(api.id for api in document.apis)]))
    rollout.instances = differ
    rollout.save(update_fields=["candidate", "message", "people", "instances", "updated_at"])


def revision_create(gateway: Gateway, built: Built, encoded: bytes, *, number: int, **fields: Any) -> Revision:
    digest = schema.digest(encoded)
    sealed = document_seal(gateway, encoded, number=number, digest=digest)
    return Revision.objects.create(
        gateway=gateway,
        number=number,
        digest=digest,
        sections=schema.sections(built.document),
        envelope=sealed,
        quarantined=built.quarantined,
        candidate=built.document.candidate.revision if built.document.candidate else 0,
        **fields,
    )
