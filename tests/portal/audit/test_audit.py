"""The audit trail: what is recorded, who sees it, and that it stays."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone

from portal.audit.models import AppendOnly, AuditEvent
from portal.audit.services import audit_record
from portal.audit.wording import differences, readable
from portal.core.links import console_url
from portal.core.request_id import current_request_id
from tests.portal.base import PortalTestCase, World, client_of
from tests.portal.cases import ObjectApiCases, ObjectPageCases


def record(world: World, action: str = "gateway.change", **values: object) -> AuditEvent:
    """Record something in Ada's organization."""
    values = {"before": {"name": "Edge"}, "after": {"name": "Rim"}} | values
    return audit_record(actor=world.ada, action=action, target=world.gateway, **values)


class AuditPageTests(ObjectPageCases, PortalTestCase):
    list_page, detail_page = "audit:list", "audit:detail"

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.event = record(cls.world)
        cls.other_event = audit_record(
            actor=cls.world.olaf,
            action="gateway.delete",
            target=cls.world.other_gateway,
        )

    def get_target(self) -> AuditEvent:
        return self.event

    def get_other_target(self) -> AuditEvent:
        return self.other_event

    def page(self, **query: str):
        return client_of(self.world.ben).get(console_url(self.world.production, "audit:list"), query)

    def test_list_shows_who_did_what_to_what(self) -> None:
        for text in ("Ada Owner", "Gateway changed", "Edge", "Rim"):
            self.assertContains(self.page(), text)
        self.assertNotContains(self.page(), "Olaf")

    def test_newest_comes_first(self) -> None:
        later = record(self.world, "gateway.create")
        self.assertEqual([row.pk for row in self.page().context["table"].rows], [later.pk, self.event.pk])

    def test_list_can_be_filtered(self) -> None:
        record(self.world, "gateway.create")
        self.assertEqual(len(self.page(action="gateway.create").context["table"].rows), 1)
        self.assertEqual(len(self.page(q="ada gateway").context["table"].rows), 2)
        self.assertContains(self.page(q="nobody"), "Nothing matches")
        self.assertEqual(len(self.page(actor_name="Ada Owner", target_type="gateway").context["table"].rows), 2)
        self.assertEqual(len(self.page(period="1").context["table"].rows), 2)
        with mock.patch("portal.audit.filters.timezone.now", return_value=timezone.now() + timedelta(days=8)):
            self.assertContains(self.page(period="7"), "Nothing matches")
            self.assertEqual(len(self.page(period="30").context["table"].rows), 2)

    def test_choices_tell_nothing_of_other_organizations(self) -> None:
        self.assertNotContains(self.page(), "gateway.delete")

    def test_event_shows_before_and_after(self) -> None:
        page = client_of(self.world.ben).get(console_url(self.world.production, "audit:detail", self.event.pk))
        self.assertContains(page, "Edge")
        self.assertContains(page, "Rim")

    def test_recorded_values_are_shown_inert(self) -> None:
        event = record(self.world, after={"name": "<img src=x onerror=alert(1)>"})
        for address in (
            console_url(self.world.production, "audit:list"),
            console_url(self.world.production, "audit:detail", event.pk),
        ):
            self.assertNotContains(client_of(self.world.ben).get(address), "<img src=x")


class AuditApiTests(ObjectApiCases, PortalTestCase):
    path = "/api/v1/audit-events/"

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.event = record(cls.world)

    def get_target(self) -> AuditEvent:
        return self.event

    def test_trail_is_read_only(self) -> None:
        client = client_of(self.world.ada)
        for method in ("post", "put", "patch", "delete"):
            for address in (self.path, f"{self.path}{self.event.pk}/"):
                response = getattr(client, method)(address, {}, content_type="application/json")
                self.assertEqual(response.status_code, 405, f"{method} {address}")

    def test_list_can_be_narrowed(self) -> None:
        record(self.world, "gateway.create")
        rows = client_of(self.world.ada).get(self.path, {"action": "gateway.create"}).json()["results"]
        self.assertEqual([row["action"] for row in rows], ["gateway.create"])
        self.assertEqual(client_of(self.world.ada).get(self.path, {"since": "nonsense"}).status_code, 400)


def test_events_are_neither_changed_nor_deleted(world: World) -> None:
    event = record(world)
    event.actor_name = "Mallory"
    refusals = [
        event.save,
        event.delete,
        AuditEvent.objects.filter(pk=event.pk).delete,
        lambda: AuditEvent.objects.update(actor_name="Mallory"),
    ]
    for refusal in refusals:
        with pytest.raises(AppendOnly):
            refusal()
    assert AuditEvent.objects.get().actor_name == "Ada Owner"


def test_trail_outlives_people_and_things(world: World) -> None:
    record(world)
    world.instance.delete()
    world.gateway.delete()
    world.ada.delete()
    assert str(AuditEvent.objects.get()) == "Ada Owner gateway.change Edge"


def test_what_is_undone_is_not_recorded(world: World) -> None:
    with transaction.atomic():
        record(world)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_request_is_recorded_by_itself(world: World) -> None:
    client = client_of(world.ada)
    response = client.post("/account/", {"name": "Ada Lovelace"}, headers={"X-Request-Id": "call-17"})
    assert response["X-Request-Id"] == "call-17"
    assert AuditEvent.objects.get().request_id == "call-17"
    assert current_request_id() == ""


def test_unsafe_request_id_is_replaced(world: World) -> None:
    client_of(world.ada).post("/account/", {"name": "A"}, headers={"X-Request-Id": "<script>"})
    recorded = AuditEvent.objects.get().request_id
    assert len(recorded) == 32
    assert recorded.isalnum()


@pytest.mark.parametrize(
    ("target", "organization", "environment"),
    [("instance", True, True), ("api", True, False), ("production", True, True), ("cora", False, False)],
)
def test_whose_event_it_is_follows_from_the_target(
    world: World, target: str, organization: bool, environment: bool
) -> None:
    event = audit_record(actor=world.ada, action="thing.change", target=getattr(world, target))
    assert event.organization_id == (world.organization.pk if organization else None)
    assert event.environment_id == (world.production.pk if environment else None)


def test_what_the_system_does_is_named_after_it(world: World) -> None:
    event = audit_record(actor=None, action="gateway.publish", target=world.gateway)
    assert (event.actor_name, event.actor_id) == ("Portico", None)


def test_actions_read_as_words() -> None:
    assert readable("api_token.create") == "API token created"
    assert readable("policy.apply") == "Policy applied"
    assert readable("instance.deploy") == "API instance deployed"
    assert readable("user.password_change") == "User password changed"
    assert readable("gateway") == "Gateway"


def test_only_differences_are_shown() -> None:
    before = {"name": "a", "on": False, "same": 1}
    after = {"name": "b", "on": True, "same": 1, "hosts": ["x"]}
    assert differences(before, after) == [("name", "a", "b"), ("on", "No", "Yes"), ("hosts", "—", '[\n  "x"\n]')]
