"""The declarative file of a policy is one that a gateway without a portal accepts, and holds no secret."""

import json
from typing import Any

import pytest
import yaml

from gateway_runtime.local.loading import load_files
from gateway_runtime.policies.registry import all_definitions
from portal.core.links import console_url
from portal.policies import automated_services, services
from portal.policies.declarative import automated_file, binding_file, binding_json
from tests.portal.base import World, client_of
from tests.portal.policies.marked import MARK, marked

SECRET = "s3cret-of-the-depot"
INSTANCE = b"""
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {name: orders-v1, labels: {layer: system}}
spec:
  address: http://0.0.0.0:8080/orders
  services: {main: {address: "http://10.0.0.1:9000"}}
"""


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda policy: policy.name)
def test_a_binding_as_a_file_means_the_same(world: World, policy: Any) -> None:
    config = marked(policy)
    binding = services.policy_apply(actor=world.ada, instance=world.instance, policy=policy.name, config=config)
    text = binding_file(binding)
    assert MARK not in text
    assert yaml.safe_load(text) == json.loads(binding_json(binding))
    variables = {
        str(value).removeprefix("$"): config[name]
        for name, value in (yaml.safe_load(text)["spec"].get("config") or {}).items()
        if name in policy.secret_settings()
    }
    made = load_files([("api.yaml", INSTANCE), ("policy.yaml", text.encode())], variables)
    (found,) = made.document.apis[0].policies
    assert (found.policy, found.config) == (policy.name, config)


def test_a_text_that_looks_like_a_variable_stays_a_text(world: World) -> None:
    config = {"inboundHeaders": [{"key": "x-shell", "value": "$HOME"}]}
    binding = services.policy_apply(
        actor=world.ada, instance=world.instance, policy="header-injection", config=config, rules=[{"path": "$HOME"}]
    )
    made = load_files([("api.yaml", INSTANCE), ("policy.yaml", binding_file(binding).encode())], {})
    (found,) = made.document.apis[0].policies
    assert (found.config, found.rules[0].path) == (config, "$HOME")


def test_mode_conditions_and_order_are_in_the_file(world: World) -> None:
    binding = services.policy_apply(
        actor=world.ada,
        instance=world.instance,
        policy="ip-blocklist",
        config={"ips": ["10.0.0.1"], "ipExpression": "#[attributes.remoteAddress]"},
        mode="shadow",
        order=7,
        rules=[{"path": "/a.*", "headers": {"x-kind": "a"}}],
    )
    made = load_files([("api.yaml", INSTANCE), ("policy.yaml", binding_file(binding).encode())], {})
    (found,) = made.document.apis[0].policies
    assert (found.mode, found.order, found.rules[0].path, found.rules[0].headers) == (
        "shadow",
        7,
        "/a.*",
        {"x-kind": "a"},
    )


def test_an_automated_policy_selects_in_the_file_too(world: World) -> None:
    automated = automated_services.automated_policy_apply(
        actor=world.ada,
        environment=world.production,
        policy="ip-blocklist",
        config={"ips": ["10.0.0.1"], "ipExpression": "#[attributes.remoteAddress]"},
        selector={"layer": "system"},
        mode="off",
    )
    made = load_files([("api.yaml", INSTANCE), ("policy.yaml", automated_file(automated).encode())], {})
    (found,) = made.document.apis[0].policies
    assert (found.policy, found.mode) == ("ip-blocklist", "off")


def test_the_page_of_a_binding_shows_both_forms_without_secrets(world: World) -> None:
    binding = services.policy_apply(
        actor=world.ada,
        instance=world.instance,
        policy="http-basic-authentication",
        config={"username": "w", "password": SECRET},
    )
    page = client_of(world.ada).get(console_url(world.production, "policies:edit", world.instance.pk, binding.pk))
    text = page.content.decode()
    assert "$HTTP_BASIC_AUTHENTICATION_PASSWORD" in text
    assert "&quot;kind&quot;: &quot;PolicyBinding&quot;" in text
    assert SECRET not in text
