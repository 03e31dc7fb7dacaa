"""Revisions in Redis: where gateways read them."""

import redis

from gateway_runtime.schema import keys
from gateway_runtime.schema.replica import ReplicaStatus
from portal.publishing.models import Revision
from portal.publishing.reports import read_reports

# How many sealed revisions stay there; all of them stay in the database.
KEPT_REVISIONS = 20


def highest_number(client: "redis.Redis", gateway: str) -> int:
    """Return the highest revision number that Redis or a replica of the gateway has seen; 0 for none."""
    with client.pipeline(transaction=False) as pipe:
        pipe.get(keys.pointer(gateway))
        pipe.hvals(keys.replicas(gateway))
        pointer, statuses = pipe.execute()
    return max(int(pointer or 0), *(status.revision for status in read_reports(statuses, ReplicaStatus)), 0)


def revision_is_current(client: "redis.Redis", revision: Revision) -> bool:
    """Tell whether Redis points to this revision and has it."""
    gateway = str(revision.gateway_id)
    with client.pipeline(transaction=False) as pipe:
        pipe.get(keys.pointer(gateway))
        pipe.exists(keys.revision(gateway, revision.number))
        pointer, exists = pipe.execute()
    return int(pointer or 0) == revision.number and bool(exists)


def revision_write(client: "redis.Redis", revision: Revision) -> bool:
    """Make this the revision that gateways run and announce it, in one transaction.

    Return False when a newer one is there already: of two publishers, the slower must not turn the pointer back.
    """
    gateway, number = str(revision.gateway_id), revision.number
    pointer = keys.pointer(gateway)
    with client.pipeline(transaction=True) as pipe:
        while True:
            try:
                pipe.watch(pointer)
                if int(pipe.get(pointer) or 0) > number:
                    return False
                pipe.multi()
                pipe.set(keys.revision(gateway, number), bytes(revision.envelope))
                pipe.set(pointer, number)
                oldest = number - KEPT_REVISIONS
                old = [keys.revision(gateway, n) for n in range(max(1, oldest - KEPT_REVISIONS), oldest + 1)]
                if old:
                    pipe.delete(*old)
                pipe.publish(keys.announcements(gateway), str(number))
                pipe.execute()
                return True
            except redis.WatchError:
                continue
