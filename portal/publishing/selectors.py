"""Questions about revisions: what waits, and how far a change is on its way to the replicas."""

import datetime
import enum
from dataclasses import dataclass
from typing import Any

import redis
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from gateway_runtime.schema import document as schema
from gateway_runtime.schema import keys, replica
from portal.core.redis import connection
from portal.gateways.models import Gateway, Replica
from portal.gateways.selectors import ConnectionState, replica_state
from portal.publishing.changes import Change, revision_changes
from portal.publishing.effects import with_effects
from portal.publishing.errors import PublishError
from portal.publishing.models import PublishRequest, Revision, Rollout
from portal.publishing.reports import read_reports
from portal.publishing.sealing import revision_document
from portal.publishing.staging import effective, wide_parts

# A publish normally takes a tenth of a second. After this long something is in its way.
SLOW_SECONDS = 4.0

# Beyond it, a replica has taken a revision when it started, not when the change was made.
LONGEST_TAKING_MS = 60_000


class ReplicaState(enum.StrEnum):
    """How a connected replica stands to a revision."""

    APPLIED = "applied"
    REJECTED = "rejected"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaProgress:
    """One replica and one revision. `total_ms` runs from the save to the last worker's swap."""

    replica_id: str
    host: str
    state: ReplicaState
    connected: bool = True
    total_ms: float | None = None
    took_ms: float | None = None
    code: str = ""
    path: str = ""
    message: str = ""


class Trouble(enum.StrEnum):
    """What keeps a change from the gateway."""

    NONE = ""
    REDIS_AWAY = "redis_away"
    WORKER_AWAY = "worker_away"
    PUBLISH_FAILED = "publish_failed"
    NOTHING_CONNECTED = "nothing_connected"
    REPLICAS_UNKNOWN = "replicas_unknown"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """How far a gateway's configuration is. `settled` means that watching on will show nothing new."""

    gateway: Gateway
    revision: Revision | None
    replicas: tuple[ReplicaProgress, ...]
    pending: bool
    pending_since: datetime.datetime | None
    pending_message: str
    trouble: Trouble
    error: str
    settled: bool

    @property
    def rejected(self) -> bool:
        """Tell whether a connected replica refused the revision."""
        return any(r.connected and r.state is ReplicaState.REJECTED for r in self.replicas)

    @property
    def slowest_ms(self) -> float | None:
        """Return after how long the last replica had taken it."""
        return max((r.total_ms for r in self.replicas if r.total_ms is not None), default=None)


def gateways_to_publish() -> list[Any]:
    """Return the gateways whose configuration in Redis is not the one that was asked for."""
    waiting = set(PublishRequest.objects.filter(requested__gt=F("published")).values_list("gateway_id", flat=True))
    newest = Revision.objects.filter(gateway=OuterRef("gateway")).order_by("-number").values("number")[:1]
    revisions = Revision.objects.filter(number=Subquery(newest)).order_by("gateway_id")
    latest = list(revisions.values_list("gateway_id", "number", "published_at"))
    with connection().pipeline(transaction=False) as pipe:
        for gateway_id, number, _ in latest:
            pipe.get(keys.pointer(str(gateway_id)))
            pipe.exists(keys.revision(str(gateway_id), number))
        answers = pipe.execute()
    for position, (gateway_id, number, published_at) in enumerate(latest):
        pointer, there = answers[2 * position : 2 * position + 2]
        if int(pointer or 0) != number or not there or published_at is None:
            waiting.add(gateway_id)
    return sorted(waiting, key=str)


def revision_progress(revision: Revision) -> tuple[ReplicaProgress, ...]:
    """Return how each replica of the gateway took a revision: live from Redis, else as last stored."""
    return _progress(revision)[0]


def _progress(revision: Revision) -> tuple[tuple[ReplicaProgress, ...], bool]:
    """Return the same, and whether it is what replicas say now."""
    try:
        statuses, answers = _live(revision)
    except redis.RedisError:
        return _stored(revision), False
    now = timezone.now().timestamp()
    progress = []
    for status in sorted(statuses, key=lambda s: (s.host, s.replica)):
        answer = answers.pop(status.replica, None)
        connected = not status.stopping and now - status.heard_at <= replica.DISCONNECTED_AFTER_SECONDS
        if answer is not None:
            progress.append(_answered(revision, answer, host=status.host, connected=connected))
        elif connected:
            progress.append(_unanswered(revision, status.replica, status.host, status.revision))
    hosts = dict(Replica.objects.filter(gateway=revision.gateway_id).values_list("replica_id", "host"))
    progress += [
        _answered(revision, answer, host=hosts.get(name, ""), connected=False)
        for name, answer in sorted(answers.items())
    ]
    return tuple(progress), True


def _live(revision: Revision) -> tuple[list[replica.ReplicaStatus], dict[str, replica.Acknowledgement]]:
    gateway = str(revision.gateway_id)
    with connection().pipeline(transaction=False) as pipe:
        pipe.hvals(keys.replicas(gateway))
        pipe.hvals(keys.acknowledgements(gateway, revision.number))
        statuses, answers = pipe.execute()
    acknowledgements = read_reports(answers, replica.Acknowledgement)
    return read_reports(statuses, replica.ReplicaStatus), {a.replica: a for a in acknowledgements}


def _answered(revision: Revision, answer: replica.Acknowledgement, *, host: str, connected: bool) -> ReplicaProgress:
    # Clocks of two machines differ; it never took less than the replica itself needed.
    total = max((answer.applied_at - revision.requested_at.timestamp()) * 1000, answer.took_ms)
    return ReplicaProgress(
        replica_id=answer.replica,
        host=host,
        state=ReplicaState(answer.state.value),
        connected=connected,
        # A replica that starts later takes the revision then: that says nothing about the change.
        total_ms=total if total <= LONGEST_TAKING_MS else None,
        took_ms=answer.took_ms,
        code=answer.error_code,
        path=answer.error_path,
        message=answer.message,
    )


def _unanswered(revision: Revision, replica_id: str, host: str, running: int) -> ReplicaProgress:
    # A replica that runs a newer revision has passed this one by.
    state = ReplicaState.APPLIED if running >= revision.number else ReplicaState.WAITING
    return ReplicaProgress(replica_id=replica_id, host=host, state=state)


def _stored(revision: Revision) -> tuple[ReplicaProgress, ...]:
    now = timezone.now()
    replicas = {r.replica_id: r for r in Replica.objects.filter(gateway=revision.gateway_id)}
    connected = {name for name, row in replicas.items() if replica_state(row, now) is ConnectionState.CONNECTED}
    progress = []
    for row in revision.acknowledgements.all():
        answer = replica.Acknowledgement(
            replica=row.replica_id,
            revision=revision.number,
            digest=revision.digest,
            state=replica.ApplyState(row.state),
            applied_at=row.applied_at.timestamp(),
            took_ms=row.took_ms,
            error_code=row.error_code,
            error_path=row.error_path,
            message=row.message,
        )
        known = replicas.get(row.replica_id)
        progress.append(
            _answered(revision, answer, host=known.host if known else "", connected=row.replica_id in connected)
        )
    answered = {p.replica_id for p in progress}
    return tuple(progress) + tuple(
        _unanswered(revision, name, replicas[name].host, replicas[name].revision)
        for name in sorted(connected - answered)
    )


def gateway_deployment(gateway: Gateway, now: datetime.datetime | None = None) -> Deployment:
    """Return how far the last change of `gateway` is."""
    now = now or timezone.now()
    request = PublishRequest.objects.filter(gateway=gateway).first()
    revision = gateway.revisions.defer("envelope").order_by("-number").first()
    pending = request is not None and request.requested > request.published
    pending = pending or (revision is not None and revision.published_at is None)
    pending_since = request.requested_at if request and pending else None
    if pending and pending_since is None and revision is not None:
        pending_since = revision.requested_at  # its row is there, Redis has not heard of it yet
    replicas, heard = _progress(revision) if revision else ((), True)
    answering = [r for r in replicas if r.connected]
    open_ = [r for r in answering if r.state is ReplicaState.WAITING]
    since = pending_since or (revision.requested_at if revision else None)
    slow = since is not None and (now - since).total_seconds() > SLOW_SECONDS
    trouble = Trouble.NONE
    if pending:
        trouble = _pending_trouble(request, slow)
    elif not heard:
        trouble = Trouble.REPLICAS_UNKNOWN
    elif revision is not None and not answering:
        trouble = Trouble.NOTHING_CONNECTED
    elif open_ and slow:
        trouble = Trouble.NO_ANSWER
    return Deployment(
        gateway=gateway,
        revision=revision,
        replicas=replicas,
        pending=pending,
        pending_since=pending_since,
        pending_message=request.message if request else "",
        trouble=trouble,
        error=request.error if request else "",
        settled=not pending and not open_ and heard,
    )


def _pending_trouble(request: PublishRequest | None, slow: bool) -> Trouble:
    try:
        connection().ping()
    except redis.RedisError:
        return Trouble.REDIS_AWAY
    if request is not None and request.error:
        return Trouble.PUBLISH_FAILED
    return Trouble.WORKER_AWAY if slow else Trouble.NONE


def visible_revisions(user: Any) -> Any:
    """Return the revisions `user` may see, without the sealed bytes."""
    return Revision.objects.visible_to(user, "revision.view").defer("envelope").select_related("gateway")


def quarantine_of(revision: Revision | None, instance_id: Any) -> dict[str, Any] | None:
    """Return why an instance is not in a revision as the console has it."""
    return (revision.quarantined or {}).get(str(instance_id)) if revision else None


def changes_of(revision: Revision, user: Any = None) -> list[Change]:
    """Return what a revision changed against the one before it. Empty when it cannot be opened any more."""
    before = Revision.objects.filter(gateway=revision.gateway, number__lt=revision.number).order_by("-number").first()
    return changes_between(before, revision, user=user)


def changes_between(old: Revision | None, new: Revision, *, user: Any = None) -> list[Change]:
    """Return what `new` has otherwise than `old`, and whom that concerns as far as `user` may know."""
    try:
        was, is_ = revision_document(old) if old else None, revision_document(new)
    except PublishError:
        return []
    base = _base_of(was, is_) if was is not None else None
    is_ = effective(is_)
    changes = revision_changes(base, is_)
    return with_effects(changes, old=base, new=is_, gateway=new.gateway, user=user, until=new.requested_at)


def rollout_changes(rollout: Rollout, user: Any) -> list[Change]:
    """Return what the candidate has otherwise than what all others get."""
    latest = rollout.gateway.revisions.order_by("-number").first()
    try:
        running = revision_document(latest) if latest else None
    except PublishError:
        return []
    if running is None or running.candidate is None:
        return []
    tried = effective(running)
    changes = revision_changes(running, tried)
    return with_effects(changes, old=running, new=tried, gateway=rollout.gateway, user=user, until=timezone.now())


def _base_of(was: schema.Document, is_: schema.Document) -> schema.Document:
    """Return what a revision is compared with: the candidate of the one before, too, where it was not promoted."""
    tried = effective(was)
    same = is_.apis == tried.apis and wide_parts(is_) == wide_parts(tried)
    promoted = was.candidate is not None and is_.candidate is None and same
    return was if promoted else tried
