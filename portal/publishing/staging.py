"""What a candidate is: the APIs that the console has otherwise than what all others get."""

import msgspec

from gateway_runtime.schema import document as schema
from portal.publishing.models import Rollout, RolloutKind


def effective(document: schema.Document) -> schema.Document:
    """Return a document as those have it who get its candidate; one without a candidate as it is."""
    candidate = document.candidate
    if candidate is None:
        return document
    tried = {api.id: api for api in candidate.apis}
    gone = {*candidate.removed}
    apis = [tried.pop(api.id, api) for api in document.apis if api.id not in gone]
    return msgspec.structs.replace(document, apis=[*apis, *tried.values()], candidate=None)


def candidate_of(
    rollout: Rollout, proposed: schema.Document, running: schema.Document, number: int
) -> schema.Candidate | None:
    """Return the candidate of a rollout: what `proposed` has otherwise than what all others get in `running`.

    It keeps the number under which it is tried out already as long as its APIs are the same, else it gets `number`.
    None where nothing differs.
    """
    stable = {api.id: api for api in running.apis}
    apis = [api for api in proposed.apis if stable.get(api.id) != api]
    there = {api.id for api in proposed.apis}
    removed = [id for id in stable if id not in there]
    if not apis and not removed:
        return None
    before = running.candidate
    same = before is not None and (before.apis, before.removed) == (apis, removed)
    by_replica = rollout.kind == RolloutKind.REPLICA
    return schema.Candidate(
        revision=before.revision if before is not None and same else number,
        stable=rollout.stable.number,
        replica=rollout.replica_id if by_replica else "",
        percent=0 if by_replica else rollout.percent,
        apis=apis,
        removed=removed,
    )


def with_new_listeners(running: list[schema.Listener], proposed: list[schema.Listener]) -> list[schema.Listener]:
    """Return the listeners of all others, and those that a candidate may need besides."""
    ids, ports = {each.id for each in running}, {each.port for each in running}
    return [*running, *(each for each in proposed if each.id not in ids and each.port not in ports)]
