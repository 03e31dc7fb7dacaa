"""Credentials for a Service, bound to it as documented."""

from gateway_runtime.local.service_credentials import LAST_ORDER
from gateway_runtime.schema.mode import Mode
from tests.gateway_runtime.local.kit import binding, fault, instance, loaded, only_api, service

CREDENTIALS = """
targetRef: {kind: Service, name: exhibits}
policyRef: {name: credential-injection-basic-auth-flex}
config: {username: ada, password: $PASSWORD}
"""
FIRST = """
targetRef: {name: museum}
policyRef: {name: header-injection-flex}
config: {inboundHeaders: [{key: x-a, value: "1"}]}
"""


def route(name: str, to: str) -> str:
    spec = f"targetRef: {{name: museum}}\npolicyRef: {{name: route}}\nconfig: {{destinationRef: {{name: {to}}}}}"
    return binding(name, spec)


def test_an_instance_that_sends_to_the_service_gets_the_policy_behind_all_others() -> None:
    made = loaded(
        instance(), service(), route("r", "exhibits"), binding("c", CREDENTIALS), binding("h", FIRST), PASSWORD="hush"
    )
    policies = only_api(made).policies
    assert [(each.policy, each.order) for each in policies] == [
        ("header-injection", 50),
        ("credential-injection-basic-auth", LAST_ORDER),
    ]
    assert policies[1].config == {"username": "ada", "password": "hush"}
    assert [each.name for each in made.bindings["default/exhibits"]] == ["c"]


def test_an_instance_that_sends_elsewhere_gets_nothing() -> None:
    documents = (instance(), service(), service("shop"), route("r", "shop"), binding("c", CREDENTIALS))
    assert only_api(loaded(*documents, PASSWORD="hush")).policies == []


def test_other_services_of_an_instance_must_not_get_the_credentials() -> None:
    routes = (route("r", "exhibits"), route("s", "shop"))
    found = fault(instance(), service(), service("shop"), *routes, binding("c", CREDENTIALS), PASSWORD="hush")
    assert found.endswith(
        "spec.targetRef: “museum” sends to other services too, and they would get these credentials. Give this service "
        "an instance of its own."
    )
    assert "hush" not in found


def test_it_may_be_bound_to_an_instance_too() -> None:
    on_instance = CREDENTIALS.replace("kind: Service, name: exhibits", "name: museum")
    made = loaded(instance(), binding("c", on_instance), PASSWORD="hush")
    assert [each.policy for each in only_api(made).policies] == ["credential-injection-basic-auth"]


def test_it_can_be_switched_off_but_not_be_in_shadow() -> None:
    documents = (instance(), service(), route("r", "exhibits"))
    made = loaded(*documents, binding("c", CREDENTIALS + "mode: off"), PASSWORD="hush")
    assert [each.mode for each in only_api(made).policies] == [Mode.OFF]
    assert "cannot be in shadow mode" in fault(*documents, binding("c", CREDENTIALS + "mode: shadow"), PASSWORD="hush")


def test_its_settings_and_rules_are_checked() -> None:
    assert "config.usrname: There is no setting “usrname”" in fault(
        instance(), service(), binding("c", CREDENTIALS.replace("username", "usrname")), PASSWORD="hush"
    )
    assert "is for a whole Service and cannot have rules" in fault(
        instance(), service(), binding("c", CREDENTIALS + "rules: [{path: /a}]"), PASSWORD="hush"
    )
