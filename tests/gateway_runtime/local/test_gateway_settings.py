"""Configuration resources: every documented block, of which some can be done."""

import pytest

from gateway_runtime.local.dump import effective
from gateway_runtime.local.gateway_settings import WITHOUT_EFFECT
from gateway_runtime.schema.document import CircuitBreaker, ForwardProxy, Timeouts
from gateway_runtime.schema.probe import Probe
from tests.gateway_runtime.local.kit import binding, fault, faults, instance, loaded, resource, service


def configuration(spec: str, name: str = "settings") -> str:
    return resource("Configuration", name, spec)


@pytest.mark.parametrize(
    "spec",
    [
        "logging: {runtimeLogs: {logLevel: debug}}",
        "logging: {runtimeLogs: {logLevel: warn, outputs: {anypoint: disabled}}, accessLogs: {outputs: []}}",
        "sharedStorage: {local: {enabled: true}}",
        "sharedStorage: {redis: {address: 'a:6379', user: u, password: p, DB: 1}}",
        "proxyProtocol: {enabled: false}",
        "proxyProtocol: {enabled: true}",
        "limits: {headerBytes: 8192, connectionsPerAddress: 50}",
        "trustedProxies: {networks: [10.0.0.0/8, '2001:db8::/32'], header: forwarded, sendForwarded: true}",
        "probe: {enabled: false, port: 3000}",
        "probe: {enabled: true, port: 3000}",
        "timeouts: {streamIdleSeconds: 10}",
        "forwardProxy: {https: {address: 'http://p:3128'}, noProxy: [a.example]}",
        "circuitBreaker: {thresholds: {maxConnections: 5}}",
        "timeouts:",
    ],
)
def test_what_this_gateway_does_is_taken(spec: str) -> None:
    assert loaded(configuration(spec)).notes == []


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("timeoutz: {}", "spec.timeoutz: There is no setting “timeoutz”. Did you mean “timeouts”?"),
        ("timeouts: {streamIdle: 1}", "spec.timeouts.streamIdle: There is no setting “streamIdle”. Did you mean"),
        ("timeouts: {streamIdleSeconds: 0}", "spec.timeouts.streamIdleSeconds: Use more than 0."),
        ("timeouts: {streamIdleSeconds: '5'}", "spec.timeouts.streamIdleSeconds: Expected “float | null”, got `str`."),
        ("logging: {runtimeLogs: {logLevel: loud}}", "spec.logging.runtimeLogs.logLevel: Invalid enum value"),
        ("logging: {outputs: [{type: http}]}", "spec.logging.outputs[0].name: This setting is required."),
        ("sharedStorage: {redis: {}}", "spec.sharedStorage.redis: Give the address of Redis, or its sentinel."),
        (
            "sharedStorage: {redis: {address: 'a:1', user: u, username: v}}",
            "spec.sharedStorage.redis.user: There is no",
        ),
        ("forwardProxy: {}", "spec.forwardProxy.https: This setting is required."),
        (
            "forwardProxy: {https: {address: 'p:3128'}}",
            "spec.forwardProxy.https.address: This is not the address of a proxy.",
        ),
        (
            "forwardProxy: {https: {address: 'http://p:1', basicAuth: {username: 'a:b', password: c}}}",
            "spec.forwardProxy.https.basicAuth.username: A user name has no colon",
        ),
        (
            "forwardProxy: {https: {address: 'http://p:1'}, noProxy: [a, 'b/c']}",
            "spec.forwardProxy.noProxy[1]: “b/c” is not a host name, an address or a network.",
        ),
        ("circuitBreaker: {}", "spec.circuitBreaker.thresholds: This setting is required."),
        (
            "circuitBreaker: {thresholds: {maxConnections: 0}}",
            "spec.circuitBreaker.thresholds.maxConnections: Use 1 or more.",
        ),
        ("probe: {enabled: true}", "spec.probe.port: Probes that are enabled need a port."),
        ("probe: {enabled: true, port: 9998}", "spec.probe.port: Port 9998 is reserved for the admin pages."),
        ("probe: {port: 70000}", "spec.probe.port: Use 65535 or less."),
        (
            "tracing: {provider: {type: a}, sampling: {client: 101}}",
            "spec.tracing.sampling.client: Use 100 or less.",
        ),
    ],
)
def test_every_block_is_checked(spec: str, sentence: str) -> None:
    assert fault(configuration(spec)).partition(": ")[2].startswith(sentence)


def test_timeouts_and_log_level_reach_the_document() -> None:
    spec = "timeouts: {streamIdleSeconds: 1.5, upstreamConnectionIdleSeconds: 2, upstreamResponseSeconds: 3}"
    document = loaded(configuration(spec), configuration("logging: {runtimeLogs: {logLevel: error}}", "logs")).document
    assert document.timeouts == Timeouts(
        stream_idle_seconds=1.5, upstream_connection_idle_seconds=2, upstream_response_seconds=3
    )
    assert document.log_level == "error"


def test_defaults_are_the_documented_ones() -> None:
    document = loaded(configuration("timeouts: {}")).document
    assert (document.timeouts, document.log_level) == (Timeouts(), "info")
    assert (Timeouts().stream_idle_seconds, Timeouts().upstream_response_seconds) == (300, 15)
    assert Timeouts().upstream_connection_idle_seconds == 60


def test_variables_of_the_environment_count_where_no_file_does() -> None:
    environment = {
        "FLEX_STREAM_IDLE_TIMEOUT_SECONDS": "7",
        "FLEX_CONNECTION_IDLE_TIMEOUT_SECONDS": "8",
        "FLEX_UPSTREAM_RESPONSE_TIMEOUT_SECONDS": "9",
    }
    document = loaded(configuration("timeouts: {upstreamResponseSeconds: 3}"), **environment).document
    assert document.timeouts == Timeouts(
        stream_idle_seconds=7, upstream_connection_idle_seconds=8, upstream_response_seconds=3
    )
    assert fault(configuration("timeouts: {}"), FLEX_STREAM_IDLE_TIMEOUT_SECONDS="soon") == (
        "environment: FLEX_STREAM_IDLE_TIMEOUT_SECONDS: "
        "It must be a whole number of seconds from 1 to 86400, not “soon”."
    )


def test_a_setting_in_two_places_is_refused_with_both() -> None:
    first, second = (configuration(f"timeouts: {{upstreamResponseSeconds: {n}}}", f"c{n}") for n in (1, 2))
    assert faults(first, second) == [
        "api.yaml:13: spec.timeouts.upstreamResponseSeconds: This is also set in api.yaml:6. Keep one of them."
    ]


def test_the_connection_to_a_platform_is_not_used_and_that_is_told() -> None:
    (note,) = loaded(configuration("platformConnection: {mode: online, organizationId: x}")).notes
    assert str(note).startswith("api.yaml:6: spec.platformConnection: This gateway takes its configuration from files")


def test_a_proxy_reaches_the_document_and_its_password_nothing_else() -> None:
    spec = """
    forwardProxy:
      https: {address: "http://proxy.example:3128", basicAuth: {username: ada, password: $PROXY_PASSWORD}}
      noProxy: [intranet.example, 10.0.0.0/8]
    """
    made = loaded(configuration(spec), PROXY_PASSWORD="sesame")
    assert made.document.forward_proxy == ForwardProxy(
        address="http://proxy.example:3128",
        username="ada",
        password="sesame",
        no_proxy=["intranet.example", "10.0.0.0/8"],
    )
    assert "sesame" not in str(effective(made))
    assert effective(made)["configuration"][0]["forwardProxy"]["address"] == "http://proxy.example:3128"


def test_a_circuit_breaker_is_for_every_service_without_one_of_its_own() -> None:
    own = binding(
        "own",
        "targetRef: {kind: Service, name: old}\npolicyRef: {name: circuit-breaker-flex}\n"
        "config: {thresholds: {maxRequests: 7}}",
    )
    routes = (
        "services:\n  a: {address: 'http://a:1'}\n  b: {address: 'http://b:1', routes: [{rules: [{path: /b}]}]}\n"
        "policies: [{policyRef: {name: route-weighted}, config: {routes: ["
        "{weight: 1, destinationRef: {name: old}}, {weight: 1, destinationRef: {name: new}}]}}]"
    )
    made = loaded(
        configuration("circuitBreaker: {thresholds: {maxConnections: 5, maxConnectionPools: 3}}"),
        instance(more=routes),
        service("old"),
        service("new"),
        own,
    )
    found = {each.name: each.circuit_breaker for each in made.document.apis[0].services}
    assert found.pop("old") == CircuitBreaker(max_requests=7)
    assert {*found} == {"museum-a", "museum-b", "new"}
    assert {*found.values()} == {CircuitBreaker(max_connections=5)}
    (note,) = made.notes
    assert note.key == "spec.circuitBreaker.thresholds.maxConnectionPools"


def test_a_port_for_probes_reaches_the_document_and_is_never_one_of_an_instance() -> None:
    probe = configuration("probe: {enabled: true, port: 3000}")
    assert loaded(probe).document.probe == Probe(port=3000)
    assert loaded(configuration("probe: {enabled: false, port: 3000}")).document.probe is None
    assert fault(probe, instance(address="http://0.0.0.0:3000")) == (
        "api.yaml:6: spec.probe.port: Port 3000 is that of “museum” (api.yaml:13). Probes need one of their own."
    )


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_documented_variable_that_changes_nothing_is_told(name: str) -> None:
    (note,) = [note for note in loaded(configuration("timeouts: {}"), **{name: "true"}).notes if note.key == name]
    assert (note.file, note.code) == ("environment", "without_effect")
