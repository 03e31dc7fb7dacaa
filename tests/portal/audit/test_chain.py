"""The chain of the audit trail tells of whatever is done to it from outside."""

import csv
import io
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.audit.chain import CONTENT, audit_seal, chain_get, chain_key, event_mac
from portal.audit.models import AuditChain, AuditEvent, AuditSeal
from portal.audit.services import audit_record
from portal.audit.tasks import verify
from portal.audit.verification import Place, audit_verify
from portal.core.links import console_url
from tests.portal.base import World, client_of

EVENTS, SEALS = AuditEvent._base_manager, AuditSeal.objects


def record(world: World, name: str = "Rim", **values: Any) -> AuditEvent:
    return audit_record(
        actor=world.ada, action="gateway.change", target=world.gateway, before={"name": "Edge"},
        after={"name": name}, **values,
    )  # fmt: skip


@pytest.fixture
def trail(world: World) -> list[AuditEvent]:
    """Five events in the chain."""
    events = [record(world, f"Rim {number}") for number in range(5)]
    audit_seal()
    return events


def faults() -> list[str]:
    return audit_verify().faults


def remove(event: AuditEvent) -> None:
    """Delete an event as somebody with the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_auditevent WHERE id = %s", [AuditEvent._meta.pk.get_db_prep_value(event.pk, connection)]
        )


def test_an_untouched_trail_is_what_was_recorded(trail: list[AuditEvent]) -> None:
    verdict = audit_verify()
    assert (verdict.faults, verdict.events) == ([], AuditEvent.objects.count())
    assert verdict.end == Place(AuditSeal.objects.count(), SEALS.order_by("number").last().mac)


OTHER = {
    "created_at": lambda event: event.created_at + timedelta(microseconds=1),
    "organization_id": lambda event: uuid.uuid4(),
    "environment_id": lambda event: None,
    "actor_id": lambda event: uuid.uuid4(),
    "before": lambda event: {"name": "Edge", "more": None},
    "after": lambda event: {"name": "rim 2"},
    "mac": lambda event: "0" * 64,
}


@pytest.mark.parametrize("name", [*(name for name in CONTENT if name != "id"), "mac"])
def test_a_change_of_any_column_is_found(trail: list[AuditEvent], name: str) -> None:
    event = trail[2]
    change: Callable[[AuditEvent], Any] = OTHER.get(name, lambda event: f"{getattr(event, name)}x")
    EVENTS.filter(pk=event.pk).update(**{name: change(event)})
    (fault,) = faults()
    assert "Entry 3 was changed" in fault
    assert str(event.pk) in fault


def test_a_deleted_event_is_found(trail: list[AuditEvent]) -> None:
    remove(trail[1])
    assert faults() == ["Entry 2 was deleted."]


def test_an_event_deleted_with_its_place_is_found(trail: list[AuditEvent]) -> None:
    remove(trail[1])
    SEALS.filter(event=trail[1].pk).delete()
    assert faults() == ["Entry 2 is missing."]


def test_a_place_given_to_the_one_after_it_is_found(trail: list[AuditEvent]) -> None:
    remove(trail[1])
    SEALS.filter(number=2).delete()
    for number in (3, 4, 5):
        SEALS.filter(number=number).update(number=number - 1)
    AuditChain.objects.update(number=4)
    assert faults()[0] == "Entry 2 does not follow the one before it."


def test_an_inserted_event_is_found(trail: list[AuditEvent]) -> None:
    copy = EVENTS.get(pk=trail[0].pk)
    EVENTS.bulk_create([AuditEvent(**{name: getattr(copy, name) for name in CONTENT if name != "id"}, mac=copy.mac)])
    (fault,) = faults()
    assert fault.endswith("was not recorded by Portico.")


def test_an_event_inserted_with_a_place_is_found(trail: list[AuditEvent]) -> None:
    made = AuditEvent(actor_name="Mallory", action="a.b", target_type="t", target_id="1", target_name="n", mac="0" * 64)
    EVENTS.bulk_create([made])
    SEALS.create(number=6, event=made.pk, content="0" * 64, mac="0" * 64)
    AuditChain.objects.update(number=6, mac="0" * 64)
    assert any(each.startswith("Entry 6 was changed") for each in faults())


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_a_chain_that_was_cut_off_is_found_for_good(world: World, trail: list[AuditEvent], kept: int) -> None:
    for event in trail[kept:]:
        remove(event)
    SEALS.filter(number__gt=kept).delete()
    last = SEALS.order_by("number").last()
    AuditChain.objects.update(number=kept, mac=last.mac if last else "")
    if kept:
        assert faults() == ["What is kept of the end of the chain was changed: entries may be missing there."]
    record(world)
    audit_seal()
    # A chain with nothing in it begins anew: only a place that is kept elsewhere shows that there was more.
    assert bool(faults()) is bool(kept)
    assert audit_verify(since=Place(5, "0" * 64)).count


def test_a_place_that_was_kept_elsewhere_has_to_be_there(world: World, trail: list[AuditEvent]) -> None:
    end = audit_verify().end
    record(world)
    assert audit_verify(since=end).faults == []
    assert audit_verify(since=Place(end.number, "0" * 64)).count == 1


def test_exchanged_places_are_found(trail: list[AuditEvent]) -> None:
    first, second = SEALS.get(number=2), SEALS.get(number=3)
    SEALS.filter(number__in=(2, 3)).delete()
    SEALS.create(number=2, event=second.event, content=second.content, mac=second.mac)
    SEALS.create(number=3, event=first.event, content=first.content, mac=first.mac)
    assert "Entry 2 does not follow the one before it." in faults()


def test_a_key_of_ones_own_vouches_for_nothing(world: World, trail: list[AuditEvent]) -> None:
    chain = chain_get()
    chain.key = "ab" * 32
    chain.save()
    assert len(faults()) >= len(trail)


def test_what_was_recorded_before_there_was_a_chain_is_taken_as_it_is(world: World) -> None:
    EVENTS.bulk_create([
        AuditEvent(actor_name="Ada", action="a.b", target_type="t", target_id=str(number), target_name="n")
        for number in range(3)
    ])  # fmt: skip
    new = record(world)
    assert audit_seal() == AuditEvent.objects.count()
    assert SEALS.get(event=new.pk).number == AuditEvent.objects.count()
    assert faults() == []


def test_later_an_event_without_a_code_is_one_from_outside(trail: list[AuditEvent]) -> None:
    EVENTS.bulk_create([AuditEvent(actor_name="Eve", action="a.b", target_type="t", target_id="1", target_name="n")])
    audit_seal()
    assert len(faults()) == 1


@pytest.mark.django_db(transaction=True)
def test_events_get_their_place_when_their_transaction_is_through(world: World) -> None:
    audit_seal(everything=True)
    before = SEALS.count()
    with transaction.atomic():
        kept = [record(world), record(world)]
        assert SEALS.count() == before
        with transaction.atomic():
            record(world)
            transaction.set_rollback(True)
    assert set(SEALS.filter(number__gt=before).values_list("event", flat=True)) == {each.pk for each in kept}
    assert faults() == []


@pytest.mark.django_db(transaction=True)
def test_a_seal_that_fails_harms_no_change_and_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    audit_seal(everything=True)
    monkeypatch.setattr("portal.audit.chain.seal_mac", lambda *args: 1 / 0)
    event = record(world)
    monkeypatch.undo()
    assert not SEALS.filter(event=event.pk).exists()
    assert audit_seal() == 1
    assert faults() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_code_is_the_same_after_it_was_stored(world: World, value: dict[str, Any]) -> None:
    event = audit_record(actor=None, action="a.b", target=world.gateway, after=value)
    stored = AuditEvent.objects.filter(pk=event.pk).values(*CONTENT, "mac").get()
    assert stored["mac"] == event_mac(chain_key(chain_get()), stored)


def test_the_command_tells_the_end_and_fails_by_its_faults(trail: list[AuditEvent]) -> None:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    end = out.getvalue().split()[-1]
    assert end == str(chain_get())
    call_command("verify_audit", since=end, stdout=out)
    EVENTS.filter(pk=trail[0].pk).update(actor_name="Mallory")
    with pytest.raises(CommandError, match=r"Entry 1 was changed: “gateway.change” of Mallory"):
        call_command("verify_audit", stdout=out)
    with pytest.raises(CommandError, match="NUMBER:CODE"):
        call_command("verify_audit", since="12", stdout=out)


def test_the_page_says_what_the_last_verification_found(world: World, trail: list[AuditEvent]) -> None:
    address = console_url(world.production, "audit:list")
    assert "verified" not in client_of(world.ben).get(address).content.decode()
    verify()
    assert "Nothing was changed from outside" in client_of(world.ben).get(address).content.decode()
    EVENTS.filter(pk=trail[0].pk).update(actor_name="Mallory")
    verify()
    assert "1 of its entries" in client_of(world.ben).get(address).content.decode()


def test_the_log_is_a_file_of_lines_with_what_is_listed(world: World, trail: list[AuditEvent]) -> None:
    address = console_url(world.production, "audit:list")
    audit_record(actor=world.ada, action="gateway.create", target=world.gateway)
    answer = client_of(world.ben).get(address, {"format": "jsonl", "action": "gateway.change"})
    lines = [json.loads(line) for line in b"".join(answer).decode().splitlines()]
    assert [line["after"]["name"] for line in lines] == [f"Rim {number}" for number in reversed(range(5))]
    assert set(lines[0]) == set(CONTENT)
    assert answer["Content-Disposition"].endswith('.jsonl"')
    assert client_of(world.olaf).get(address, {"format": "jsonl"}).status_code == 404


def test_the_interface_says_what_the_last_verification_found(world: World, trail: list[AuditEvent]) -> None:
    address = "/api/v1/audit-events/verification/"
    assert client_of(world.ben).get(address).json() == {"verified_at": None, "intact": None, "faults": 0}
    verify()
    assert client_of(world.ben).get(address).json()["intact"] is True
    remove(trail[0])
    verify()
    said = client_of(world.ben).get(address).json()
    assert (said["intact"], said["faults"]) == (False, 1)
    assert client_of(None).get(address).status_code == 401


def test_the_interface_gives_the_log_as_a_file_with_what_is_asked_for(world: World, trail: list[AuditEvent]) -> None:
    address = "/api/v1/audit-events/export/"
    audit_record(actor=world.ada, action="gateway.create", target=world.gateway, message="=1+1")
    lines = b"".join(client_of(world.ben).get(address, {"action": "gateway.change"})).decode().splitlines()
    assert [json.loads(line)["after"]["name"] for line in lines] == [f"Rim {number}" for number in reversed(range(5))]
    answer = client_of(world.ben).get(address, {"action": "gateway.create", "as": "csv"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer).decode()))
    assert tuple(row) == CONTENT
    assert (row["message"], row["after"]) == ("'=1+1", "{}")
    assert b"".join(client_of(world.olaf).get(address, {"action": "gateway.change"})) == b""
    assert client_of(world.ben).get(address, {"as": "xml"}).json()["fields"].keys() == {"/as"}


@given(st.sampled_from(["action", "target_id", "target_name", "actor_name", "message", "request_id"]), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_text_is_changed_to_is_found(trail: list[AuditEvent], name: str, data: st.DataObject) -> None:
    event = trail[1]
    text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
    other = data.draw(text.filter(lambda value: value != getattr(event, name)))
    EVENTS.filter(pk=event.pk).update(**{name: other})
    assert len(faults()) == 1
    EVENTS.filter(pk=event.pk).update(**{name: getattr(event, name)})
    assert faults() == []
