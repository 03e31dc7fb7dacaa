"""What the policies of an API instance have to say on its replicas now, such as that something they need is away."""

import datetime
from dataclasses import dataclass
from typing import Any

import redis
from django.utils import timezone

from gateway_runtime.schema import keys, replica
from portal.apis.models import ApiInstance
from portal.core.redis import connection
from portal.policies.settings import policy_title
from portal.publishing.reports import read_reports


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNotice:
    """One sentence of one policy, with the replicas that say so and since when the first of them does."""

    policy: str
    good: bool
    text: str
    since: datetime.datetime
    hosts: tuple[str, ...]


def connected_replicas(gateway: Any) -> list[replica.ReplicaStatus]:
    """Return what the connected replicas of a gateway have said last. Nothing where Redis cannot be reached."""
    try:
        values: Any = connection().hvals(keys.replicas(str(gateway)))
    except redis.RedisError:
        return []
    now = timezone.now().timestamp()
    return [
        status
        for status in read_reports(values, replica.ReplicaStatus)
        if not status.stopping and now - status.heard_at <= replica.DISCONNECTED_AFTER_SECONDS
    ]


def instance_notices(instance: ApiInstance) -> tuple[PolicyNotice, ...]:
    """Return what connected replicas say of an instance, the bad first. Nothing where Redis cannot be reached."""
    said: dict[tuple[str, bool, str], list[tuple[replica.Notice, str]]] = {}
    for status in connected_replicas(instance.gateway_id):
        for notice in status.notices:
            if notice.api == str(instance.pk):
                said.setdefault((notice.policy, notice.good, notice.text), []).append((notice, status.host))
    found = [
        PolicyNotice(
            policy=policy_title(policy),
            good=good,
            text=text,
            since=datetime.datetime.fromtimestamp(min(notice.since for notice, _ in each), datetime.UTC),
            hosts=tuple(sorted({host for _, host in each})),
        )
        for (policy, good, text), each in said.items()
    ]
    return tuple(sorted(found, key=lambda each: (each.good, each.policy, each.text)))
