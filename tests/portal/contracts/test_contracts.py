"""Asking for access and deciding on it."""

from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError

from portal.apis.models import InstanceStatus
from portal.audit.models import AuditEvent
from portal.catalog.models import Visibility
from portal.contracts.models import Approval, Contract, ContractStatus
from portal.contracts.services import (
    contract_approve,
    contract_delete,
    contract_reject,
    contract_request,
    contract_restore,
    contract_revoke,
    contract_withdraw,
)
from portal.contracts.services.contracts import DECISIONS, TRANSITIONS, transitions_from
from portal.core.errors import ApplicationError
from tests.portal.base import make_role, make_user
from tests.portal.contracts.factories import ContractTestCase, make_application, make_tier


class RequestTests(ContractTestCase):
    def test_without_tiers_access_is_granted_at_once_and_published(self) -> None:
        with self.published() as gateways:
            contract = self.request_access()
        assert contract.status == ContractStatus.ACTIVE
        assert gateways == [self.world.gateway]

    def test_automatic_tier_is_granted_at_once(self) -> None:
        tier = make_tier(self.world.instance, approval=Approval.AUTOMATIC, actor=self.world.ada)
        assert self.request_access(tier).status == ContractStatus.ACTIVE

    def test_manual_tier_waits_and_the_gateway_learns_of_the_application(self) -> None:
        with self.published() as gateways:
            assert self.pending_contract().status == ContractStatus.PENDING
        assert gateways == [self.world.gateway]

    def _refused(self, code: str, **changes: Any) -> None:
        with pytest.raises(ApplicationError) as raised:
            self.request_access(**changes)
        assert raised.value.code == code
        assert not Contract.objects.exists()

    def test_private_api_of_another_organization_is_not_offered(self) -> None:
        self._refused("instance_not_offered", instance=self.world.other_instance)

    def test_private_api_is_offered_to_its_own_organization(self) -> None:
        self.world.api.visibility = Visibility.PRIVATE
        self.world.api.save()
        application = make_application(self.world.ben)
        contract = contract_request(actor=self.world.ben, application=application, instance=self.world.instance)
        assert contract.status == ContractStatus.ACTIVE

    def test_stopped_instance_is_not_offered(self) -> None:
        self.world.instance.status = InstanceStatus.STOPPED
        self.world.instance.save()
        self._refused("instance_not_offered")

    def test_deprecated_instance_takes_nobody_new(self) -> None:
        self.world.instance.deprecated = True
        self.world.instance.save()
        self._refused("instance_deprecated")

    def test_tier_of_another_instance_is_refused(self) -> None:
        self._refused("tier_of_other_instance", tier=make_tier(self.world.other_instance, actor=self.world.olaf))

    def test_a_tier_must_be_chosen_when_there_are_any(self) -> None:
        make_tier(self.world.instance, actor=self.world.ada)
        self._refused("tier_required")

    def test_nobody_asks_for_somebody_else_s_application(self) -> None:
        self._refused("application_not_yours", actor=self.world.ada)

    def test_one_contract_for_an_application_and_an_instance(self) -> None:
        self.request_access()
        with pytest.raises(ApplicationError) as raised:
            self.request_access()
        assert raised.value.code == "contract_exists"
        with pytest.raises(IntegrityError):
            Contract.objects.create(application=self.application, instance=self.world.instance)

    def test_rejected_may_ask_again_but_revoked_may_not(self) -> None:
        contract = self.pending_contract()
        contract_reject(actor=self.world.ada, contract=contract)
        free = make_tier(self.world.instance, "Free", approval=Approval.AUTOMATIC, actor=self.world.ada)
        again = self.request_access(free)
        assert (again.pk, again.status) == (contract.pk, ContractStatus.ACTIVE)
        contract_revoke(actor=self.world.ada, contract=again)
        with pytest.raises(ApplicationError, match="revoked"):
            self.request_access(free)


class DecisionTests(ContractTestCase):
    def test_approving_activates_audits_and_publishes(self) -> None:
        contract = self.pending_contract()
        with self.published() as gateways:
            contract_approve(actor=self.world.ada, contract=contract)
        contract.refresh_from_db()
        assert contract.status == ContractStatus.ACTIVE
        assert gateways == [self.world.gateway]
        event = AuditEvent.objects.get(action="contract.approve")
        assert (event.before, event.after["status"]) == ({"status": "pending"}, "active")
        assert event.organization_id == self.world.organization.pk

    def test_revoking_and_restoring_reach_the_gateway(self) -> None:
        contract = self.request_access()
        with self.published() as gateways:
            contract_revoke(actor=self.world.ada, contract=contract)
            contract_restore(actor=self.world.ada, contract=contract)
        assert gateways == [self.world.gateway] * 2
        contract.refresh_from_db()
        assert contract.status == ContractStatus.ACTIVE

    def test_rejecting_publishes_nothing_and_deleting_lets_the_gateway_forget(self) -> None:
        contract = self.pending_contract()
        with self.published() as gateways:
            contract_reject(actor=self.world.ada, contract=contract)
            assert gateways == []
            contract_delete(actor=self.world.ada, contract=contract)
        assert gateways == [self.world.gateway]
        assert not Contract.objects.exists()

    def test_every_action_is_refused_in_every_other_state(self) -> None:
        contract = self.pending_contract()
        for action, (starts, _) in TRANSITIONS.items():
            for status in set(ContractStatus) - starts:
                Contract.objects.update(status=status)
                with self.subTest(action=action, status=status), pytest.raises(ApplicationError) as raised:
                    DECISIONS[action](actor=self.world.ada, contract=contract)
                assert raised.value.status == 409
                contract.refresh_from_db()
                assert contract.status == status

    def test_what_is_possible_in_each_state(self) -> None:
        assert {status: transitions_from(status) for status in ContractStatus} == {
            ContractStatus.PENDING: ["approve", "reject", "delete"],
            ContractStatus.ACTIVE: ["revoke"],
            ContractStatus.REJECTED: ["delete"],
            ContractStatus.REVOKED: ["restore", "delete"],
        }

    def test_nobody_grants_access_to_their_own_application(self) -> None:
        tier = make_tier(self.world.instance, actor=self.world.ada)
        application = make_application(self.world.ada)
        contract = contract_request(
            actor=self.world.ada, application=application, instance=self.world.instance, tier=tier
        )
        for status, decide in (
            (ContractStatus.PENDING, contract_approve),
            (ContractStatus.REVOKED, contract_restore),
            (ContractStatus.REVOKED, contract_delete),
        ):
            Contract.objects.update(status=status)
            with pytest.raises(ApplicationError) as raised:
                decide(actor=self.world.ada, contract=contract)
            assert raised.value.code == "own_application"
            contract.refresh_from_db()
            assert contract.status == status


class MailTests(ContractTestCase):
    def test_a_request_is_mailed_to_those_who_decide(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.pending_contract()
        assert sorted(m.to[0] for m in mail.outbox) == [self.world.ada.email, self.world.erik.email]
        assert "Shop app" in mail.outbox[0].subject
        assert "/console/acme/production/contracts/" in mail.outbox[0].body

    def test_a_withdrawal_is_mailed_to_those_who_were_asked(self) -> None:
        contract = self.pending_contract()
        mail.outbox.clear()
        with self.captureOnCommitCallbacks(execute=True):
            contract_withdraw(actor=self.world.cora, contract=contract)
        assert sorted(m.to[0] for m in mail.outbox) == [self.world.ada.email, self.world.erik.email]
        assert AuditEvent.objects.get(action="contract.withdraw").before == {"status": "pending"}
        assert not Contract.objects.filter(pk=contract.pk).exists()

    def test_only_the_owner_withdraws(self) -> None:
        contract = self.pending_contract()
        with pytest.raises(ApplicationError, match="Only the owner"):
            contract_withdraw(actor=self.world.ada, contract=contract)

    def test_a_deletion_is_mailed_to_the_developer(self) -> None:
        contract = self.pending_contract()
        mail.outbox.clear()
        with self.captureOnCommitCallbacks(execute=True):
            contract_delete(actor=self.world.ada, contract=contract)
        assert [m.to for m in mail.outbox] == [[self.world.cora.email]]
        assert "deleted" in mail.outbox[0].subject

    def test_a_mail_has_its_text_as_html_in_which_names_are_inert(self) -> None:
        self.application.name = "<img src=x onerror=alert(1)>"
        self.application.save()
        with self.captureOnCommitCallbacks(execute=True):
            self.pending_contract()
        ((html, kind),) = mail.outbox[0].alternatives
        assert kind == "text/html"
        assert "&lt;img src=x" in html
        assert "<img" not in html
        assert "/console/acme/production/contracts/" in html

    def test_everybody_who_decides_is_told(self) -> None:
        for number in range(30):
            make_role(make_user(f"Approver{number}"), self.world.organization, "editor")
        with self.captureOnCommitCallbacks(execute=True):
            self.pending_contract()
        assert len(mail.outbox) == 32

    def test_a_decision_is_mailed_to_the_developer(self) -> None:
        contract = self.pending_contract()
        mail.outbox.clear()
        with self.captureOnCommitCallbacks(execute=True):
            contract_approve(actor=self.world.ada, contract=contract)
        assert [m.to for m in mail.outbox] == [[self.world.cora.email]]
        assert "approved" in mail.outbox[0].subject

    def test_a_name_with_a_line_break_stays_one_subject(self) -> None:
        contract = self.pending_contract()
        self.application.name = "Shop\nBcc: evil@example.test"
        contract.application = self.application
        self.application.save()
        mail.outbox.clear()
        with self.captureOnCommitCallbacks(execute=True):
            contract_approve(actor=self.world.ada, contract=contract)
        assert mail.outbox[0].subject.startswith("Access of Shop Bcc: evil")
        assert mail.outbox[0].bcc == []

    def test_a_broken_mail_server_does_not_undo_the_decision(self) -> None:
        contract = self.pending_contract()
        with (
            self.settings(EMAIL_BACKEND="portal.no.such.Backend"),
            self.assertLogs("portal.core.mail", "ERROR"),
            self.captureOnCommitCallbacks(execute=True),
        ):
            contract_approve(actor=self.world.ada, contract=contract)
        contract.refresh_from_db()
        assert contract.status == ContractStatus.ACTIVE
