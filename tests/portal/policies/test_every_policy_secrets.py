"""Asked of every policy that has secrets: they are in no answer, no page, no audit event and no message."""

import json
from typing import Any

import pytest

from gateway_runtime.policies.registry import all_definitions, read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.audit.models import AuditEvent
from portal.core.links import console_url
from portal.policies import automated_services, services
from portal.policies.declarative import automated_file, binding_file, binding_json
from portal.policies.models import AutomatedPolicy, PolicyBinding
from tests.portal.base import PortalTestCase
from tests.portal.policies.marked import MARK, marked

WITH_SECRETS = [policy for policy in all_definitions() if policy.secret_settings()]
every_policy = pytest.mark.parametrize("policy", WITH_SECRETS, ids=lambda policy: policy.name)


def test_there_are_such_policies() -> None:
    assert "http-basic-authentication" in {policy.name for policy in WITH_SECRETS}


@every_policy
def test_a_secret_of_it_can_be_told_apart(policy: PolicyDefinition) -> None:
    # Otherwise the other questions would find nothing whatever is shown.
    assert MARK in str(marked(policy))


@every_policy
def test_its_settings_do_not_show_them_when_they_are_printed(policy: PolicyDefinition) -> None:
    assert MARK not in repr(read_config(policy, marked(policy)))


@every_policy
def test_a_secret_that_cannot_be_used_is_not_repeated(policy: PolicyDefinition) -> None:
    for name in policy.secret_settings():
        for wrong in (f"{MARK}\r\n\0", MARK * 2000, [MARK, 1], {MARK: MARK}, [{MARK: MARK}]):
            assert MARK not in said_of(policy, policy.example | {name: wrong})


def said_of(policy: PolicyDefinition, config: dict[str, Any]) -> str:
    """Return what is said of settings, nothing where they can be used."""
    try:
        read_config(policy, config)
    except ConfigFault as fault:
        return fault.message
    return ""


class SecretsOfEveryPolicyTests(PortalTestCase):
    """Each one is applied with its example, changed and removed."""

    def unseen(self, **found: str) -> None:
        for where, text in found.items():
            # The page itself would make the message long.
            self.assertFalse(MARK in text, f"A secret is shown in {where}")

    def audit(self) -> str:
        return json.dumps([[each.before, each.after, each.message] for each in AuditEvent.objects.all()])

    def test_applied_to_an_instance(self) -> None:
        ada = self.client_of(self.world.ada)
        for policy in WITH_SECRETS:
            with self.subTest(policy=policy.name):
                body = {"instance": str(self.world.instance.pk), "policy": policy.name, "config": marked(policy)}
                created = ada.post("/api/v1/policy-bindings/", body, content_type="application/json")
                self.assertEqual(created.status_code, 201, created.content)
                binding = PolicyBinding.objects.get(policy=policy.name)
                address = f"/api/v1/policy-bindings/{binding.pk}/"
                form = console_url(self.world.production, "policies:edit", self.world.instance.pk, binding.pk)
                self.assertIn(MARK, binding.secrets)
                self.unseen(create=created.text, rest=ada.get(address).text, form=ada.get(form).text)
                self.unseen(yaml=binding_file(binding), json=binding_json(binding))
                services.policy_remove(actor=self.world.ada, binding=binding)
                self.unseen(audit=self.audit())

    def test_applied_automatically(self) -> None:
        ada = self.client_of(self.world.ada)
        for policy in WITH_SECRETS:
            with self.subTest(policy=policy.name):
                body = {"environment": str(self.world.production.pk), "policy": policy.name, "config": marked(policy)}
                created = ada.post("/api/v1/automated-policies/", body, content_type="application/json")
                self.assertEqual(created.status_code, 201, created.content)
                automated = AutomatedPolicy.objects.get(policy=policy.name)
                self.unseen(create=created.text, page=ada.get(automated.get_absolute_url()).text)
                self.unseen(file=automated_file(automated))
                automated_services.automated_policy_remove(actor=self.world.ada, automated=automated)
                self.unseen(audit=self.audit())
