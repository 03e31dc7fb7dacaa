"""Taking back what was just done: by the toast, later by the audit log, over REST, and when it is too late."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from portal.apis.deprecation import instance_deprecate, instance_undeprecate
from portal.apis.models import ApiInstance, Service
from portal.apis.route_services import Way, route_create, route_delete, route_place, route_update
from portal.apis.service_services import service_create, service_delete
from portal.apis.services import instance_stop, instance_update
from portal.audit.models import AuditEvent, UndoStep
from portal.audit.undo import change_undo, undo_forget
from portal.contracts.models import Contract, SlaTier
from portal.contracts.services import contract_revoke, tier_create, tier_delete, tier_update
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.gateways.listener_services import listener_create, listener_delete
from portal.gateways.models import Listener
from portal.policies.automated_services import automated_policy_apply, automated_policy_remove
from portal.policies.models import AutomatedPolicy, PolicyBinding
from portal.policies.ordering import policy_place
from portal.policies.services import policy_apply, policy_disable, policy_remove, policy_update
from portal.policies.settings import secret_settings
from tests.portal.base import PortalTestCase
from tests.portal.contracts.factories import PER_MINUTE, make_application

BASIC = {"username": "shop", "password": "a-long-enough-password"}


class UndoCase(PortalTestCase):
    def setUp(self) -> None:
        """Keep short names."""
        self.ada, self.instance = self.world.ada, self.world.instance

    def last(self) -> AuditEvent:
        """Return the newest change."""
        return AuditEvent.objects.order_by("-created_at").first()  # type: ignore[return-value]

    def undo(self, event: AuditEvent | None = None) -> AuditEvent:
        """Take the newest change back, or another one."""
        return change_undo(actor=self.ada, event=event or self.last())

    def apply(self, policy: str = "http-basic-authentication", config: Any = BASIC) -> PolicyBinding:
        """Apply a policy."""
        return policy_apply(actor=self.ada, instance=self.instance, policy=policy, config=config)


class EveryThingTests(UndoCase):
    def test_policy_applied(self) -> None:
        self.apply()
        self.undo()
        assert not PolicyBinding.objects.exists()

    def test_policy_removed_comes_back_with_its_secret(self) -> None:
        policy_remove(actor=self.ada, binding=self.apply())
        self.undo()
        binding = PolicyBinding.objects.get()
        assert {**binding.config, **secret_settings(binding)} == BASIC

    def test_policy_changed_has_its_old_settings_and_secret_again(self) -> None:
        binding = self.apply()
        policy_update(
            actor=self.ada, binding=binding, mode="shadow", config={"username": "x", "password": "another-long-one"}
        )
        self.undo()
        binding.refresh_from_db()
        assert {**binding.config, **secret_settings(binding)} == BASIC
        assert str(binding.mode) == "enforce"

    def test_policy_disabled(self) -> None:
        binding = self.apply()
        policy_disable(actor=self.ada, binding=binding)
        self.undo()
        binding.refresh_from_db()
        assert binding.enabled

    def test_policy_moved(self) -> None:
        first, second = self.apply(), self.apply("rate-limiting", {"rateLimits": [PER_MINUTE]})
        before = sorted(PolicyBinding.objects.all(), key=lambda each: each.order)
        policy_place(actor=self.ada, binding=before[1], position=0)
        self.undo()
        assert sorted(PolicyBinding.objects.all(), key=lambda each: each.order) == before
        assert {first, second} == {*before}

    def test_automated_policy_removed(self) -> None:
        automated = automated_policy_apply(
            actor=self.ada, environment=self.world.production, policy="http-basic-authentication", config=BASIC
        )
        automated_policy_remove(actor=self.ada, automated=automated)
        self.undo()
        assert secret_settings(AutomatedPolicy.objects.get()) == {"password": BASIC["password"]}

    def test_api_stopped(self) -> None:
        instance_stop(actor=self.ada, instance=self.instance)
        self.undo()
        assert ApiInstance.objects.get(pk=self.instance.pk).status == "active"

    def test_api_changed(self) -> None:
        instance_update(actor=self.ada, instance=self.instance, base_path="/parcels", label="eu", labels={"a": "b"})
        self.undo()
        found = ApiInstance.objects.get(pk=self.instance.pk)
        assert (found.base_path, found.label, found.labels) == ("/orders", "", {})

    def test_route_added_changed_moved_and_removed(self) -> None:
        service = Service.objects.get(instance=self.instance)
        rules = [{"path": "/items"}]
        route = route_create(
            actor=self.ada, instance=self.instance, name="items", rules=rules, destinations=[Way(service)]
        )
        order = list(self.instance.routes.all())
        route_update(actor=self.ada, route=route, rules=[{"path": "/things"}], destinations=[Way(service, 1, "/x")])
        self.undo()
        route.refresh_from_db()
        assert (route.rules, route.destinations.get().path) == (rules, "")
        route_place(actor=self.ada, route=route, position=5)
        self.undo()
        assert list(self.instance.routes.all()) == order
        route_delete(actor=self.ada, route=route)
        self.undo()
        assert [each.name for each in self.instance.routes.all()] == [each.name for each in order]

    def test_deprecation(self) -> None:
        instance_deprecate(actor=self.ada, instance=self.instance, sunset=date(2030, 1, 1), successor="http://x.test/")
        instance_undeprecate(actor=self.ada, instance=self.instance)
        self.undo()
        found = ApiInstance.objects.get(pk=self.instance.pk)
        assert (found.deprecated, found.sunset_on, found.successor) == (True, date(2030, 1, 1), "http://x.test/")

    def test_service_added_and_removed(self) -> None:
        service = service_create(actor=self.ada, instance=self.instance, name="eu", url="http://eu.example.test")
        service_delete(actor=self.ada, service=service)
        self.undo()
        assert Service.objects.get(name="eu").url == "http://eu.example.test"

    def test_listener_opened_and_closed(self) -> None:
        listener = listener_create(actor=self.ada, gateway=self.world.gateway, port=9400, name="inner")
        listener_delete(actor=self.ada, listener=listener)
        self.undo()
        assert Listener.objects.get(port=9400).name == "inner"

    def test_tier_changed_and_removed(self) -> None:
        tier = tier_create(actor=self.ada, instance=self.instance, name="Gold", limits=[PER_MINUTE])
        tier_update(actor=self.ada, tier=tier, name="Silver", limits=[])
        self.undo()
        tier.refresh_from_db()
        assert (tier.name, tier.limits) == ("Gold", [PER_MINUTE])
        tier_delete(actor=self.ada, tier=tier)
        self.undo()
        assert SlaTier.objects.get().name == "Gold"

    def test_contract_revoked(self) -> None:
        contract = Contract.objects.create(
            application=make_application(self.world.cora), instance=self.instance, status="active"
        )
        contract_revoke(actor=self.ada, contract=contract)
        self.undo()
        contract.refresh_from_db()
        assert contract.status == "active"


class TooLateTests(UndoCase):
    def refused(self, event: AuditEvent, code: str) -> str:
        """Return the sentence with which it is refused."""
        with pytest.raises(ApplicationError) as raised:
            self.undo(event)
        assert raised.value.code == code
        return raised.value.message

    def test_what_somebody_changed_since_is_left_and_they_are_named(self) -> None:
        binding = self.apply()
        policy_disable(actor=self.ada, binding=binding)
        disabled = self.last()
        policy_update(actor=self.world.erik, binding=binding, config={**BASIC, "username": "erik"}, mode="enforce")
        assert "Erik Editor has changed it since" in self.refused(disabled, "changed_since")
        binding.refresh_from_db()
        assert binding.config == {"username": "erik"}

    def test_what_was_removed_since_is_a_change_too(self) -> None:
        binding = self.apply()
        applied = self.last()
        policy_remove(actor=self.world.erik, binding=binding)
        self.refused(applied, "changed_since")

    def test_twice(self) -> None:
        instance_stop(actor=self.ada, instance=self.instance)
        stopped = self.last()
        self.undo(stopped)
        self.refused(stopped, "undone_already")

    def test_after_a_day(self) -> None:
        instance_stop(actor=self.ada, instance=self.instance)
        UndoStep.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.refused(self.last(), "undo_expired")

    def test_where_it_belonged_to_something_that_is_gone(self) -> None:
        policy_remove(actor=self.ada, binding=self.apply())
        removed = self.last()
        self.instance.delete()
        assert "is not there any more" in self.refused(removed, "undo_gone")

    def test_what_the_service_refuses_now(self) -> None:
        tier = tier_create(actor=self.ada, instance=self.instance, name="Gold", limits=[])
        Contract.objects.create(application=make_application(self.world.cora), instance=self.instance, tier=tier)
        self.refused(AuditEvent.objects.get(action="tier.create"), "tier_in_use")
        assert UndoStep.objects.get(event__action="tier.create").undone_at is None

    def test_other_changes_cannot_be_undone(self) -> None:
        make_application(self.world.cora)
        self.refused(self.last(), "not_undoable")


class SecretTests(UndoCase):
    def test_secrets_are_encrypted_and_go_after_a_day_or_with_the_undo(self) -> None:
        policy_remove(actor=self.ada, binding=self.apply())
        with connection.cursor() as cursor:
            cursor.execute("select before, after from audit_undostep")
            kept = json.dumps(cursor.fetchall())
        assert "gAAAA" in kept
        assert BASIC["password"] not in kept
        self.undo()
        step = UndoStep.objects.get(event__action="policy.remove")
        assert (step.before, step.after) == ("null", "null")
        UndoStep.objects.update(expires_at=timezone.now())
        undo_forget()
        assert not UndoStep.objects.exists()

    def test_nothing_of_it_is_shown(self) -> None:
        policy_remove(actor=self.ada, binding=self.apply())
        client = self.client_of(self.ada)
        page = client.get(console_url(self.world.production, "audit:detail", self.last().pk))
        answer = client.get(f"/api/v1/audit-events/{self.last().pk}/")
        assert BASIC["password"] not in page.content.decode() + answer.content.decode()


class PageTests(UndoCase):
    def stop(self) -> Any:
        """Stop the API in the console and return the page after it."""
        address = console_url(self.world.production, "apis:stop", self.instance.pk)
        return self.client_of(self.ada).post(address, follow=True)

    def address(self) -> str:
        """Return where the newest change is undone."""
        return console_url(self.world.production, "audit:undo", self.last().pk)

    def test_the_toast_offers_it(self) -> None:
        html = self.stop().content.decode()
        assert f'action="{self.address()}"' in html
        assert "data-toast-undo" in html

    def test_a_toast_of_something_else_does_not(self) -> None:
        address = console_url(self.world.production, "organizations:environment_create")
        html = self.client_of(self.ada).post(address, {"name": "Staging", "kind": "sandbox"}, follow=True)
        assert "Saved." in html.content.decode()
        assert "data-toast-undo" not in html.content.decode()

    def test_it_goes_back_to_where_it_was_offered(self) -> None:
        self.stop()
        back = self.instance.get_absolute_url()
        answer = self.client_of(self.ada).post(self.address(), headers={"Referer": f"http://testserver{back}"})
        assert answer["Location"] == back
        assert ApiInstance.objects.get(pk=self.instance.pk).status == "active"

    def test_it_never_leads_away(self) -> None:
        self.stop()
        answer = self.client_of(self.ada).post(self.address(), headers={"Referer": "http://evil.example/console/"})
        assert answer["Location"].startswith("/console/")

    def test_the_audit_log_offers_it_until_it_is_too_late(self) -> None:
        self.stop()
        page = console_url(self.world.production, "audit:detail", self.last().pk)
        undo = self.address()
        assert undo in self.client_of(self.ada).get(page).content.decode()
        self.client_of(self.ada).post(undo)
        html = self.client_of(self.ada).get(page).content.decode()
        assert f'action="{undo}"' not in html
        assert "This is undone already." in html

    def test_a_conflict_is_told(self) -> None:
        self.stop()
        undo = self.address()
        instance_update(actor=self.world.erik, instance=ApiInstance.objects.get(pk=self.instance.pk), label="eu")
        html = self.client_of(self.ada).post(undo, follow=True).content.decode()
        assert "Erik Editor has changed it since" in html

    def test_a_switch_in_a_list_brings_its_toast_along(self) -> None:
        binding = self.apply()
        address = console_url(self.world.production, "policies:disable", self.instance.pk, binding.pk)
        html = self.client_of(self.ada).post(address, headers={"HX-Request": "true"}).content.decode()
        assert 'hx-swap-oob="beforeend:#toasts"' in html
        assert self.address() in html

    def test_it_takes_the_permission_of_the_change_itself(self) -> None:
        self.stop()
        assert self.client_of(self.world.ben).post(self.address()).status_code == 403
        assert self.client_of(self.world.olaf).post(self.address()).status_code == 404
        rest = f"/api/v1/audit-events/{self.last().pk}/undo/"
        assert self.client_of(self.world.ben).post(rest).status_code == 403
        assert self.client_of(self.world.olaf).post(rest).status_code == 404
        assert self.client_of(self.world.erik).post(rest).status_code == 200
        again = self.client_of(self.world.erik).post(rest)
        assert (again.status_code, again.json()["code"]) == (409, "undone_already")
