"""Policies by their documented names: those that are there, and those that cannot be."""

import json

import pytest

from gateway_runtime.local.policies import OUTBOUND
from gateway_runtime.policies.registry import all_definitions
from tests.gateway_runtime.local.kit import binding, fault, instance, loaded, only_api, resource, service

EXTENSION = resource("Extension", "stamp-flex", "extends: [{name: stamp}]\nimplementation: base64://AGFzbQ==")


def bound(policy: str, config: str = "{}", target: str = "name: museum") -> str:
    return binding("x", f"targetRef: {{{target}}}\npolicyRef: {{name: {policy}}}\nconfig: {config}\n")


@pytest.mark.parametrize("ending", ["", "-flex"])
@pytest.mark.parametrize("policy", all_definitions(), ids=lambda p: p.name)
def test_every_policy_of_the_gateway_works_with_its_example(policy, ending: str) -> None:  # type: ignore[no-untyped-def]
    config = "".join(f"\n  {key}: {_yaml(value)}" for key, value in policy.example.items())
    made = loaded(instance(), bound(policy.name + ending, config))
    assert only_api(made).policies[0].policy == policy.name


def _yaml(value: object) -> str:
    return json.dumps(value)


def test_a_route_with_the_ending_of_policies_is_refused() -> None:
    found = fault(instance(), bound("route-flex"))
    assert found.endswith("policyRef.name: There is no policy “route-flex”. Did you mean “route”?")


@pytest.mark.parametrize("name", sorted(OUTBOUND))
def test_policies_of_services_are_refused_on_an_instance(name: str) -> None:
    assert fault(instance(), bound(f"{name}-flex")).endswith("is bound to a Service, not to an ApiInstance.")


def test_policies_of_instances_are_not_for_services() -> None:
    found = fault(service(), bound("rate-limiting-flex", target="kind: Service, name: exhibits"))
    assert found.endswith("policyRef.name: The policy “rate-limiting” is bound to an ApiInstance, not to a Service.")
    assert "There is no Service “nobody”" in fault(bound("tls-outbound", target="kind: Service, name: nobody"))
    assert "Did you mean “tls-outbound”?" in fault(
        service(), bound("tls-outbond", target="kind: Service, name: exhibits")
    )


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("keySelector: '#[attributs.method]'", "keySelector: Character 3: There is no “attributs”."),
        ("blockOnUnknownQuota: 'no'", "blockOnUnknownQuota: Expected “bool”, got `str`."),
        ("clusterizable: 'no'", "clusterizable: Expected “bool”, got `str`."),
        ("clustrizable: true", "clustrizable: There is no setting “clustrizable”."),
    ],
)
def test_a_wrong_setting_is_refused_where_it_stands(setting: str, sentence: str) -> None:
    limits = "{rateLimits: [{maximumRequests: 1, timePeriodInMilliseconds: 1000}], %s}"
    found = fault(instance(), bound("rate-limiting-flex", limits % setting))
    assert found.startswith(f"api.yaml:15: spec.config.{sentence}")


@pytest.mark.parametrize("value", ["true", "false"])
def test_clusterizable_reaches_the_policy(value: str) -> None:
    limits = f"{{rateLimits: [{{maximumRequests: 1, timePeriodInMilliseconds: 1000}}], clusterizable: {value}}}"
    config = only_api(loaded(instance(), bound("rate-limiting-flex", limits))).policies[0].config
    assert config["clusterizable"] is (value == "true")


def test_custom_code_is_told_and_refused_when_it_is_bound() -> None:
    (note,) = [note for note in loaded(instance(), EXTENSION).notes if note.key == "spec" and "WASM" in note.message]
    assert (note.file, note.line) == ("api.yaml", 12)
    assert fault(instance(), EXTENSION, bound("stamp-flex")) == (
        "api.yaml:22: spec.policyRef.name: “stamp-flex” is a custom policy. "
        "Custom code (WASM) is not supported by this gateway: write the policy in Python and install it under this "
        "name."
    )
    inline = instance(more="policies: [{policyRef: {name: stamp-flex}}]")
    assert "“stamp-flex” is a custom policy" in fault(inline, EXTENSION)


def test_an_extension_is_checked_and_no_place_for_variables() -> None:
    assert "spec.extend: There is no setting “extend”. Did you mean “extends”?" in fault(
        EXTENSION.replace("extends", "extend")
    )
    definition = "properties: {note: {type: string, default: $NOT_A_VARIABLE}}\nrequired: [note]\nrootId: main"
    assert loaded(instance(), resource("Extension", "note-definition", definition)).document.apis


@pytest.mark.parametrize("mode", ["enforce", "shadow", "off", '"off"'])
def test_the_mode_of_a_binding_is_read(mode: str) -> None:
    made = loaded(instance(), bound("ip-allowlist", '{ips: ["10.0.0.1"], ipExpression: "#[attributes.remoteAddress]"}'))
    assert only_api(made).policies[0].mode == "enforce"
    text = bound("ip-allowlist", '{ips: ["10.0.0.1"], ipExpression: "#[attributes.remoteAddress]"}')
    made = loaded(instance(), text.rstrip() + f"\n  mode: {mode}\n")
    assert only_api(made).policies[0].mode == mode.strip('"')


def test_a_mode_that_cannot_be_is_refused_where_it_stands() -> None:
    allow = bound("header-injection", "{inboundHeaders: [{key: x, value: y}]}").rstrip()
    assert "spec.mode: Invalid" in fault(instance(), f"{allow}\n  mode: shade\n")
    assert "spec.mode: The policy “header-injection” cannot" in fault(instance(), f"{allow}\n  mode: shadow\n")
    assert "spec.mode: Use “enforce”" in fault(instance(), f"{allow}\n  mode: on\n")
    route = bound("route", "{destinationRef: {name: exhibits}}").rstrip()
    assert "spec.mode: Routes and TLS have no mode" in fault(instance(), service(), f"{route}\n  mode: off\n")


@pytest.mark.parametrize("config", ["{}", "{source: context}"])
def test_the_specification_of_an_api_version_is_not_there_in_local_mode(config: str) -> None:
    assert "use the source “inline” in local mode" in fault(instance(), bound("spec-validation-flex", config))
