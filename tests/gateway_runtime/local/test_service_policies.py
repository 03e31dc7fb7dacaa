"""Policies that are bound to a Service."""

import json

import pytest

from gateway_runtime.local.dump import MASK, effective
from gateway_runtime.local.loading import Loaded
from gateway_runtime.schema.document import CircuitBreaker, Service, UpstreamTls
from tests.certificates import Authority, sealed
from tests.gateway_runtime.local.kit import binding, fault, instance, loaded, only_api, service

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("gateway.example")
ROUTE = """
services: {}
policies:
  - policyRef: {name: route}
    config: {destinationRef: {name: exhibits}}
"""


def bound(policy: str, config: object, more: str = "", name: str = "x") -> str:
    target = "targetRef: {kind: Service, name: exhibits}"
    return binding(name, f"{target}\npolicyRef: {{name: {policy}}}\nconfig: {json.dumps(config)}\n{more}")


def load(*bindings: str, scheme: str = "https") -> Loaded:
    return loaded(instance(more=ROUTE), service(address=f"{scheme}://exhibits.example:9000"), *bindings)


def made(*bindings: str, scheme: str = "https") -> Service:
    (found,) = only_api(load(*bindings, scheme=scheme)).services
    return found


def wrong(*bindings: str, scheme: str = "https") -> str:
    return fault(instance(more=ROUTE), service(address=f"{scheme}://exhibits.example:9000"), *bindings).partition(": ")[
        2
    ]


@pytest.mark.parametrize("ending", ["", "-flex"])
def test_tls_reaches_the_document(ending: str) -> None:
    config = {
        "skipValidation": False,
        "trustedCA": AUTHORITY.pem,
        "certificate": {"crt": PAIR.certificate, "key": PAIR.key},
        "minVersion": "1.3",
        "ciphers": ["TLS_AES_128_GCM_SHA256"],
        "alpn": ["http/1.1"],
        "serverName": "museum.example",
    }
    assert made(bound(f"tls-outbound{ending}", config)).tls == UpstreamTls(
        trusted_ca=AUTHORITY.pem,
        certificate=PAIR.certificate,
        key=PAIR.key,
        server_name="museum.example",
        min_version="1.3",
        ciphers=["TLS_AES_128_GCM_SHA256"],
    )
    assert made(bound("tls-outbound", {"skipValidation": True})).tls == UpstreamTls(skip_validation=True)


def test_a_key_may_have_a_passphrase() -> None:
    pair = {"crt": PAIR.certificate, "key": sealed(PAIR.key, "open sesame"), "keyPassphrase": "open sesame"}
    machine = {"skipValidation": False, "trustedCA": "machine", "serverName": "a"}
    assert made(bound("tls-outbound", machine)).tls == UpstreamTls(server_name="a")
    found = made(bound("tls-outbound", {"skipValidation": True, "certificate": pair})).tls
    assert found is not None
    assert found.key == PAIR.key


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({}, "spec.config.skipValidation: This setting is required"),
        ({"skipValidation": False}, "spec.config: Give a trustedCA"),
        ({"skipValidation": False, "trustedCA": "x"}, "spec.config.trustedCA: This is not a certificate in PEM form."),
        (
            {"skipValidation": True, "certificate": {"crt": PAIR.certificate}},
            "spec.config.certificate.key: A client certificate needs its key",
        ),
        (
            {"skipValidation": True, "certificate": {"crt": PAIR.certificate, "key": AUTHORITY.issue("b").key}},
            "spec.config.certificate.key: The key does not belong to the certificate.",
        ),
        (
            {
                "skipValidation": True,
                "certificate": {"crt": PAIR.certificate, "key": sealed(PAIR.key, "a"), "keyPassphrase": "b"},
            },
            "spec.config.certificate.keyPassphrase: This passphrase does not open the key.",
        ),
        ({"skipValidation": True, "alpn": ["spdy"]}, "spec.config.alpn[0]: Invalid enum value"),
        ({"skipValidation": True, "serverName": "a b"}, "spec.config.serverName: “a b” is not a host name."),
        ({"skipValidation": True, "minversion": "1.0"}, "spec.config.minversion: Invalid enum value"),
    ],
)
def test_what_is_wrong_with_tls_is_named(config: object, sentence: str) -> None:
    assert wrong(bound("tls-outbound", config)).startswith(sentence)


def test_tls_is_for_services_with_https() -> None:
    found = wrong(bound("tls-outbound", {"skipValidation": True}), scheme="http")
    assert found.startswith("spec.config: The address of “exhibits” begins with http. Write https there")


def test_a_circuit_breaker_reaches_the_document() -> None:
    thresholds = {"maxConnections": 1, "maxPendingRequests": 0, "maxRequests": 3, "maxRetries": 4}
    assert made(bound("circuit-breaker-flex", {"thresholds": thresholds}), scheme="http").circuit_breaker == (
        CircuitBreaker(max_connections=1, max_pending_requests=0, max_requests=3, max_retries=4)
    )
    assert made(bound("circuit-breaker-flex", {"thresholds": {}})).circuit_breaker == CircuitBreaker()
    assert wrong(bound("circuit-breaker-flex", {})) == "spec.config.thresholds: This setting is required."


def test_an_idle_timeout_reaches_the_document() -> None:
    assert made(bound("idle-timeout-flex", {"timeout": 7})).timeouts.connection_idle_seconds == 7
    assert made(bound("idle-timeout-flex", {})).timeouts.connection_idle_seconds == 60
    assert wrong(bound("idle-timeout-flex", {"timeout": 0})).startswith("spec.config.timeout: Use more than 0.")


def test_several_policies_work_together_and_none_twice() -> None:
    breaker, idle = bound("circuit-breaker", {"thresholds": {}}), bound("idle-timeout", {}, name="y")
    found = made(breaker, idle)
    assert (found.circuit_breaker, found.timeouts.connection_idle_seconds) == (CircuitBreaker(), 60)
    twice = wrong(breaker, bound("circuit-breaker-flex", {"thresholds": {}}, name="y"))
    assert twice.startswith("spec.targetRef: “exhibits” has the policy “circuit-breaker” of “x” (")


def test_rules_are_refused_and_an_order_is_told() -> None:
    found = wrong(bound("idle-timeout", {}, "rules: [{path: /a}]"))
    assert found.startswith("spec.rules: The policy “idle-timeout” is for a whole Service")
    (note,) = load(bound("idle-timeout", {}, "order: 3")).notes
    assert note.key == "spec.order"


def test_a_dump_shows_them_without_their_secrets() -> None:
    config = {"skipValidation": True, "certificate": {"crt": PAIR.certificate, "key": PAIR.key}}
    shown = effective(load(bound("tls-outbound", config)))
    (exhibits,) = shown["services"]
    (policy,) = exhibits["policies"]
    assert policy["config"] == {"skipValidation": True, "certificate": MASK}
    assert "PRIVATE KEY" not in str(shown)
    supported = {each["name"] for each in shown["extensions"] if each["supported"]}
    assert supported >= {"tls-outbound", "circuit-breaker-flex", "idle-timeout-flex"}


def test_an_instance_and_a_service_of_the_same_name_have_their_own_policies() -> None:
    shown = effective(
        loaded(
            instance("exhibits", more=ROUTE),
            service(address="https://exhibits.example:9000"),
            bound("idle-timeout", {}),
        )
    )
    assert [each["metadata"]["name"] for each in shown["services"][0]["policies"]] == ["x"]
    assert "x" not in [each["metadata"]["name"] for each in shown["apiInstances"][0]["policies"]]
