"""What a candidate is: the APIs, listeners and settings that the console has otherwise than what all others get."""

from typing import Any

import msgspec

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.secret import Hidden, without_secrets
from portal.publishing.models import Rollout, RolloutKind


def effective(document: schema.Document) -> schema.Document:
    """Return a document as those have it who get its candidate; one without a candidate as it is."""
    candidate = document.candidate
    if candidate is None:
        return document
    tried = {api.id: api for api in candidate.apis}
    gone = {*candidate.removed}
    apis = [tried.pop(api.id, api) for api in document.apis if api.id not in gone]
    wide = wide_parts(candidate.surroundings) if candidate.surroundings is not None else {}
    return msgspec.structs.replace(document, **wide, apis=[*apis, *tried.values()], candidate=None)


def wide_parts(document: schema.Surroundings) -> dict[str, Any]:
    """Return what of a document holds for whole replicas, and waits on a held gateway: listeners and settings."""
    return {name: getattr(document, name) for name in schema.WIDE_PARTS}


def settings_of(document: schema.Surroundings) -> dict[str, Any]:
    """Return what people have set for the gateway of a document."""
    return {name: value for name, value in wide_parts(document).items() if name != "listeners"}


def settings_restored(old: schema.Surroundings, present: schema.Surroundings) -> dict[str, Any]:
    """Return the settings of an older document. A secret that alone was changed since stays changed."""
    was, now = settings_of(old), settings_of(present)
    return {name: now[name] if _told(now[name]) == _told(was[name]) else was[name] for name in was}


def _told(part: Any) -> Any:
    """Return a part of a document without its secrets."""
    return _shown(without_secrets(part)) if isinstance(part, msgspec.Struct) else part


def _shown(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {name: _shown(each) for name, each in plain.items()}
    if isinstance(plain, list):
        return [_shown(each) for each in plain]
    return None if isinstance(plain, Hidden) else plain


def candidate_of(
    rollout: Rollout, proposed: schema.Document, stable: schema.Document, before: schema.Candidate | None, number: int
) -> schema.Candidate | None:
    """Return the candidate of a rollout: what `proposed` has otherwise than `stable`, which all others get.

    It keeps the number under which it is tried out as long as it is the same as `before`, else it gets `number`. None
    where nothing differs.
    """
    known = {api.id: api for api in stable.apis}
    apis = [api for api in proposed.apis if known.get(api.id) != api]
    there = {api.id for api in proposed.apis}
    removed = [id for id in known if id not in there]
    surroundings = None
    if (wide := wide_parts(proposed)) != wide_parts(stable):
        surroundings = schema.Surroundings(gateway=proposed.gateway, name=proposed.name, **wide)
    if not apis and not removed and surroundings is None:
        return None
    same = before is not None and (before.apis, before.removed, before.surroundings) == (apis, removed, surroundings)
    by_replica = rollout.kind == RolloutKind.REPLICA
    return schema.Candidate(
        revision=before.revision if before is not None and same else number,
        stable=rollout.stable.number,
        replica=rollout.replica_id if by_replica else "",
        percent=0 if by_replica else rollout.percent,
        apis=apis,
        removed=removed,
        surroundings=surroundings,
    )


def with_new_listeners(running: list[schema.Listener], proposed: schema.Document) -> list[schema.Listener]:
    """Return the listeners of all others, and those that a candidate for a share of the requests needs besides."""
    ids, ports = {each.id for each in running}, {each.port for each in running}
    used = {api.listener for api in proposed.apis}
    new = [each for each in proposed.listeners if each.id in used - ids and each.port not in ports]
    return sorted([*running, *new], key=lambda listener: listener.port)
