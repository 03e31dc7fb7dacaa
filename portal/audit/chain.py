"""The chain that shows whether the audit trail is still what was recorded.

An event gets its code when it is recorded, and its place in the chain as soon as its transaction is through: a chain
that were added to inside of the transaction would make everybody who changes something wait for everybody else.
Both are HMAC-SHA256 (RFC 2104) with a key that is encrypted in the database by the portal's key ring.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from portal.audit.models import AuditChain, AuditEvent, AuditSeal

# What an event says; all of its columns but the code itself.
CONTENT = (
    "id", "created_at", "organization_id", "environment_id", "actor_id", "actor_name", "action", "target_type",
    "target_id", "target_name", "before", "after", "message", "request_id",
)  # fmt: skip
# What was not sealed at once is looked for among the events of this time.
LATELY = timedelta(days=1)
BATCH = 500
_ONLY = 1


def chain_get() -> AuditChain:
    """Return the chain, which is made when the first event is recorded."""
    return AuditChain.objects.get_or_create(pk=_ONLY, defaults={"key": secrets.token_hex(32)})[0]


def chain_key(chain: AuditChain) -> bytes:
    """Return its key. Raises `cryptography.fernet.InvalidToken` if no key of the ring opens it."""
    return bytes.fromhex(chain.key)


def event_mac(key: bytes, event: Mapping[str, Any]) -> str:
    """Return the code of an event with the values of `CONTENT`, the same before and after it was stored."""
    values = dict(event)
    values["created_at"] = event["created_at"].astimezone(UTC).isoformat(timespec="microseconds")
    values |= {name: _plain(json.loads(json.dumps(event[name]))) for name in ("before", "after")}
    ids = ("id", "organization_id", "environment_id", "actor_id")
    values |= {name: None if event[name] is None else str(UUID(str(event[name]))) for name in ids}
    text = json.dumps([values[name] for name in CONTENT], sort_keys=True, separators=(",", ":"))
    return _mac(key, "event", text)


def seal_mac(key: bytes, before: str, number: int, event: UUID, content: str) -> str:
    """Return the code of a place in the chain after the one whose code is `before` ("" at the beginning)."""
    return _mac(key, "seal", f"{before}|{number}|{event}|{content}")


def chain_proof(key: bytes, number: int, mac: str) -> str:
    """Return the code that tells that a chain ends with this number and code."""
    return _mac(key, "end", f"{number}|{mac}")


def seal_soon(event: AuditEvent) -> None:
    """Add an event to the chain once the present transaction is through, together with all others of it."""
    waiting = [each[1] for each in transaction.get_connection().run_on_commit if isinstance(each[1], _Sealing)]
    if waiting:
        waiting[-1].events.append(event.pk)
        return
    transaction.on_commit(_Sealing(event.pk), robust=True)


class _Sealing:
    """Seals the events of one transaction. What it does not come to, the next run of the housekeeping does."""

    def __init__(self, event: UUID) -> None:
        # Under which Django's log tells that it failed.
        self.__qualname__ = "seal_soon"
        self.events = [event]

    def __call__(self) -> None:
        _seal(AuditEvent.objects.filter(pk__in=self.events), adopt=False)


def audit_seal(*, everything: bool = False) -> int:
    """Seal what has no place in the chain yet: of the last day, or of all time. Returns how many.

    Events from before there was a chain are taken as they are, but only while nothing is sealed.
    """
    lately = {} if everything else {"created_at__gte": timezone.now() - LATELY}
    return _seal(AuditEvent.objects.filter(**lately), adopt=True)


def _seal(events: QuerySet[AuditEvent], *, adopt: bool) -> int:
    with transaction.atomic():
        chain_get()
        chain = AuditChain.objects.select_for_update().get(pk=_ONLY)
        key = chain_key(chain)
        if chain.number and not hmac.compare_digest(chain.proof, chain_proof(key, chain.number, chain.mac)):
            # The end was changed from outside. Nobody vouches for it: a number that is never given shows it for good.
            last = AuditSeal.objects.aggregate(last=Max("number"))["last"] or 0
            chain.number, chain.mac = max(chain.number, last) + 1, ""
        old = AuditEvent.objects.filter(mac="")
        if not chain.number and old.exists():
            if not adopt:
                return 0
            _adopt(key, old)
            events = AuditEvent.objects.all()
        waiting = events.filter(~Exists(AuditSeal.objects.filter(event=OuterRef("pk")))).order_by("created_at", "pk")
        made = list(_seals(chain, key, waiting.values(*CONTENT, "mac").iterator(chunk_size=BATCH)))
        if made:
            AuditSeal.objects.bulk_create(made, batch_size=BATCH)
            chain.number, chain.mac = made[-1].number, made[-1].mac
            chain.proof = chain_proof(key, chain.number, chain.mac)
            chain.save(update_fields=["number", "mac", "proof"])
        return len(made)


def _seals(chain: AuditChain, key: bytes, events: Iterable[dict[str, Any]]) -> Iterable[AuditSeal]:
    number, before = chain.number, chain.mac
    for event in events:
        content = event["mac"]
        # What Portico did not record gets no place; the verification tells of it.
        if not hmac.compare_digest(content, event_mac(key, event)):
            continue
        number += 1
        before = seal_mac(key, before, number, event["id"], content)
        yield AuditSeal(number=number, event=event["id"], content=content, mac=before)


def _adopt(key: bytes, old: QuerySet[AuditEvent]) -> None:
    batch: list[AuditEvent] = []
    for event in old.iterator(chunk_size=BATCH):
        event.mac = event_mac(key, {name: getattr(event, name) for name in CONTENT})
        batch.append(event)
    # The trail's own manager changes nothing, ever.
    AuditEvent._base_manager.bulk_update(batch, ["mac"], batch_size=BATCH)


def _plain(value: Any) -> Any:
    """Return JSON as every database gives it back: some make 1 of 1.0."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mac(key: bytes, kind: str, text: str) -> str:
    return hmac.new(key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
