"""Whether the audit trail is what was recorded: nothing edited, deleted, added or cut off from outside."""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.audit.chain import CONTENT, audit_seal, chain_get, chain_key, chain_proof, event_mac, seal_mac
from portal.audit.models import AuditChain, AuditEvent, AuditSeal

BATCH = 1000
# More are only counted.
TOLD = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a chain, written `NUMBER:CODE`: kept elsewhere, it shows that nobody has put an older copy back."""

    number: int
    mac: str

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return what a text names. Raises `ValueError` for one that names none."""
        number, _, mac = text.strip().partition(":")
        if not (number.isascii() and number.isdigit()) or len(mac) != 64:
            raise ValueError("A place is written NUMBER:CODE, as the verification prints it.")
        return cls(int(number), mac)

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"


@dataclass(slots=True)
class Verdict:
    """What a verification found. `faults` are sentences, the first of them; `count` is how many there are."""

    events: int = 0
    end: Place = Place(0, "")
    faults: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, fault: str) -> None:
        """Take note of a fault."""
        self.count += 1
        if len(self.faults) < TOLD:
            self.faults.append(fault)


def audit_verify(*, since: Place | None = None, told: Callable[[int, int], None] = lambda done, of: None) -> Verdict:
    """Look at every event and its place in the chain, and keep what was found.

    With `since`, the chain has to contain that place. `told` is called with how many of how many are done.
    Raises `cryptography.fernet.InvalidToken` where no key of the ring opens that of the chain.
    """
    audit_seal(everything=True)
    chain = chain_get()
    verdict = Verdict()
    _look(chain, verdict, since, told)
    unknown = AuditEvent.objects.filter(~Exists(AuditSeal.objects.filter(event=OuterRef("pk"))))
    # Somebody may have recorded one since: its code is right, and its place comes.
    key = chain_key(chain)
    for event in unknown.order_by("created_at", "pk").values(*CONTENT, "mac").iterator(chunk_size=BATCH):
        if not hmac.compare_digest(event["mac"], event_mac(key, event)):
            verdict.add(f"{_named(event)} was not recorded by Portico.")
    AuditChain.objects.filter(pk=chain.pk).update(
        verified_at=timezone.now(), verified_number=verdict.events, faults=verdict.count
    )
    return verdict


def _look(chain: AuditChain, verdict: Verdict, since: Place | None, told: Callable[[int, int], None]) -> None:
    key, before, number, found = chain_key(chain), "", 0, since is None
    for seal, event in _places(chain.number):
        if seal.number != number + 1:
            verdict.add(f"{_entries(number + 1, seal.number - 1)} missing.")
        elif not hmac.compare_digest(seal.mac, seal_mac(key, before, seal.number, seal.event, seal.content)):
            verdict.add(f"Entry {seal.number} does not follow the one before it.")
        if event is None:
            verdict.add(f"Entry {seal.number} was deleted.")
        elif not hmac.compare_digest(seal.content, event_mac(key, event)) or event["mac"] != seal.content:
            verdict.add(f"Entry {seal.number} was changed: {_named(event)}.")
        number, before = seal.number, seal.mac
        found = found or Place(number, before) == since
        verdict.events += 1
        if verdict.events % BATCH == 0:
            told(verdict.events, chain.number)
    verdict.end = Place(number, before)
    if number < chain.number:
        verdict.add(f"{_entries(number + 1, chain.number)} missing at the end.")
    elif (before, number) != (chain.mac, chain.number) or (
        number and not hmac.compare_digest(chain.proof, chain_proof(key, number, before))
    ):
        verdict.add("What is kept of the end of the chain was changed: entries may be missing there.")
    if not found and since is not None:
        verdict.add(f"Entry {since.number} is not the one that it was: an older copy may have been put back.")


def _places(last: int) -> Iterator[tuple[AuditSeal, dict[str, Any] | None]]:
    """Yield every place up to a number, with its event where there is one."""
    first = 0
    while seals := list(AuditSeal.objects.filter(number__gt=first, number__lte=last).order_by("number")[:BATCH]):
        events: dict[UUID, dict[str, Any]] = {
            event["id"]: event
            for event in AuditEvent.objects.filter(pk__in=[seal.event for seal in seals]).values(*CONTENT, "mac")
        }
        yield from ((seal, events.get(seal.event)) for seal in seals)
        first = seals[-1].number


def _entries(first: int, last: int) -> str:
    return f"Entry {first} is" if first == last else f"Entries {first} to {last} are"


def _named(event: dict[str, Any]) -> str:
    return f"“{event['action']}” of {event['actor_name']}, {event['created_at']:%Y-%m-%d %H:%M} ({event['id']})"
