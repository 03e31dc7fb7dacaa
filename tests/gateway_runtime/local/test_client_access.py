"""Client applications, contracts and tiers of files."""

import pytest

from gateway_runtime.decide import Decision
from gateway_runtime.schema.document import Contract, Tier, TierLimit
from tests.gateway_runtime.local.kit import ask, fault, faults, instance, loaded, resource

GOLD = resource(
    "SlaTier",
    "gold",
    "limits: [{maximumRequests: 3, timePeriodInMilliseconds: 1000}, {maximumRequests: 9, calendarPeriod: month}]",
)
NOBODY = "No ClientApplication has a contract for “museum”, so this policy lets nobody in."


def application(name: str = "shop", contracts: str = "[]", client_id: str = "", **metadata: str) -> str:
    spec = f"clientId: {client_id or f'{name}-id'}\nclientSecret: {name}-secret\ncontracts: {contracts}"
    return resource("ClientApplication", name, spec, **metadata)


def guarded(policy: str = "client-id-enforcement", config: str = "{}", mode: str = "enforce") -> str:
    return instance(
        more=f"""
        services: {{main: {{address: "http://10.0.0.1:9000"}}}}
        policies: [{{policyRef: {{name: {policy}}}, config: {config}, mode: {mode}}}]
        """
    )


def test_files_become_consumers_contracts_and_tiers() -> None:
    shop = application(contracts="[{api: museum, tier: gold}, {api: depot}]")
    made = loaded(shop, instance(), instance("depot", "http://0.0.0.0:8081"), GOLD).document
    (consumer,) = made.consumers
    assert (consumer.id, consumer.name, consumer.client_id) == ("default/shop", "shop", "shop-id")
    assert made.contracts == [
        Contract(api="default/museum", consumer="default/shop", tier="default/gold"),
        Contract(api="default/depot", consumer="default/shop"),
    ]
    assert made.tiers == [
        Tier(
            id="default/gold",
            name="gold",
            limits=[
                TierLimit(maximum_requests=3, period_ms=1000),
                TierLimit(maximum_requests=9, calendar_period="month"),
            ],
        )
    ]


def test_api_and_tier_are_in_the_namespace_of_the_contract() -> None:
    there = instance(namespace="east"), resource("SlaTier", "free", "limits: []", namespace="east")
    shop = application(contracts="[{api: museum, tier: free, namespace: east}]")
    assert loaded(*there, shop).document.contracts == [
        Contract(api="east/museum", consumer="default/shop", tier="east/free")
    ]
    same = application(contracts="[{api: museum, tier: free}]", namespace="east")
    assert loaded(*there, same).document.contracts[0].consumer == "east/shop"
    assert faults(*there, application(contracts="[{api: museum}]"))[0].endswith(
        "There is no ApiInstance “museum” in the namespace “default”."
    )


@pytest.mark.parametrize(
    ("contracts", "sentence"),
    [
        (
            "\n  - {api: musem}",
            "15: spec.contracts[0].api: There is no ApiInstance “musem” in the namespace “default”. "
            "Did you mean “museum”?",
        ),
        (
            "\n  - api: museum\n    tier: gald",
            "16: spec.contracts[0].tier: There is no SlaTier “gald” in the namespace “default”. Did you mean “gold”?",
        ),
        ("\n  - {api: museum}\n  - {api: museum, tier: gold}",
         "16: spec.contracts[1]: The contract for “museum” is there twice: also in api.yaml:15."),
        ("\n  - {api: museum, tir: gold}",
         "15: spec.contracts[0].tir: There is no setting “tir”. Did you mean “tier”?"),
        ("\n  - {tier: gold}", "15: spec.contracts[0].api: This setting is required."),
    ],
)  # fmt: skip
def test_a_wrong_contract_is_refused_where_it_stands(contracts: str, sentence: str) -> None:
    shop = resource("ClientApplication", "shop", f"clientId: shop-id\ncontracts: {contracts}")
    files = resource("SlaTier", "gold", "limits: []"), shop, instance()
    assert fault(*files) == f"api.yaml:{sentence}"


def test_a_client_id_is_there_once() -> None:
    assert fault(application(client_id="one"), application("till", client_id="one")) == (
        "api.yaml:15: spec.clientId: “shop” has the same client ID (api.yaml:6)."
    )


@pytest.mark.parametrize("client_id", ['"two words"', "Käse", '"a\\nb"'])
def test_a_client_id_can_be_sent_in_a_header(client_id: str) -> None:
    assert "spec.clientId: A client ID has letters" in fault(application(client_id=client_id))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ("[{maximumRequests: 3}]", "A limit needs a time period in milliseconds or a calendar period, not both"),
        ("[{maximumRequests: 0, calendarPeriod: day}]", "Use 1 or more."),
        ("[{maximumRequests: 1, calendarPeriod: hour}]", "Invalid"),
        (
            "[{maximumRequests: 1, calendarPeriod: day}, {maximumRequests: 2, calendarPeriod: day}]",
            "limits[1]: Two limits have the same period. Keep the stricter one.",
        ),
        (
            "[{maximumRequest: 1, calendarPeriod: day}]",
            "limits[0].maximumRequest: There is no setting “maximumRequest”. Did you mean “maximumRequests”?",
        ),
    ],
)
def test_a_wrong_limit_is_refused_where_it_stands(limits: str, sentence: str) -> None:
    found = fault(resource("SlaTier", "gold", f"limits: {limits}"))
    assert found.startswith("api.yaml:6: spec.limits[")
    assert sentence in found


def told(*documents: str) -> list[str]:
    return [note.message for note in loaded(*documents).notes]


@pytest.mark.parametrize(
    ("policy", "config"),
    [
        ("client-id-enforcement-flex", "{}"),
        ("rate-limiting-sla-based-flex", "{}"),
        ("oauth2-token-introspection", '{introspectionURL: "https://id/i", authorizationValue: "Basic YTpi"}'),
        (
            "jwt-validation",
            "{signingMethod: hmac, textKey: a-secret-of-thirty-two-characters, skipClientIdValidation: false}",
        ),
    ],
)
def test_a_policy_that_nobody_has_a_contract_for_is_told(policy: str, config: str) -> None:
    assert told(guarded(policy, config), application()) == [NOBODY]
    assert told(guarded(policy, config), application(contracts="[{api: museum}]")) == []
    assert told(guarded(policy, config, mode="'off'")) == []


def test_a_policy_that_needs_no_contract_is_not_told() -> None:
    assert told(guarded("jwt-validation", "{signingMethod: hmac, textKey: a-secret-of-thirty-two-characters}")) == []


@pytest.mark.parametrize(
    ("client_id", "secret", "expected"),
    [
        ("shop-id", "shop-secret", (0, "")),
        ("shop-id", "till-secret", (401, "client_credentials_invalid")),
        ("till-id", "till-secret", (403, "no_contract")),
        ("nobody", "shop-secret", (401, "client_credentials_invalid")),
    ],
)
def test_only_applications_with_a_contract_are_let_in(client_id: str, secret: str, expected: tuple[int, str]) -> None:
    made = loaded(guarded(), application(contracts="[{api: museum}]"), application("till"))
    headers = (("client_id", client_id), ("client_secret", secret))
    decision: Decision = ask(made, "/a", headers=headers)
    assert (decision.status, decision.code) == expected
