"""Whatever a part of a document says, the file that is written of it is read as the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.declarative import assemble_files
from gateway_runtime.local.loading import load_files
from gateway_runtime.local.reading import read_entries
from gateway_runtime.local.variables import substitute
from gateway_runtime.schema import document as schema
from gateway_runtime.schema import limits, upstream
from gateway_runtime.schema.access_log import AccessLog
from gateway_runtime.schema.deprecation import Deprecation
from gateway_runtime.schema.mode import Mode
from portal.policies.file_variables import Variables, literal
from portal.policies.file_yaml import yaml_of
from portal.transfers.part_writing import Written, resources_of
from tests.certificates import Authority

LISTENER = schema.Listener(id="l", name="public", port=8081)
# What readers of YAML or of files could take for something else.
TRICKY = (
    "yes", "tRue", "off", "null", "~", "007", "1.5e5", "-.5", "0x1F", "22:30", "1_000", "2026-12-01", "<<", "$HOME",
    "$$HOME", "$$$HOME", "$HOME/x", " a ", "#[a]", "a: b", "- a", "a\nb\n", " a\n\n b ", "{}", "[1]", "é", "🙂", "'",
    '"', "*a", "&a", "!x", "%x", "@x", "`x", "\\n", "x\t", "=", "y", ".inf", "\u2028", "\x85",
)  # fmt: skip
texts = st.sampled_from(TRICKY) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
hosts = st.sampled_from(["orders.example.test", "10.0.0.7", "fd00::7"])
seconds = st.floats(0.5, 600)
statuses = st.lists(st.integers(400, 599), max_size=3, unique=True)


def part(type_: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return parts as they are after a document has been read."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda given: msgspec.convert(given, type_))


checks = part(upstream.HealthCheck, path=st.sampled_from(["/", "/health?x=$y"]), interval_seconds=seconds,
              statuses=statuses, unhealthy_after=st.integers(1, 9))  # fmt: skip
outliers = part(upstream.Outliers, consecutive_failures=st.integers(1, 9), statuses=statuses, base_seconds=seconds)
retries = part(upstream.Retries, enabled=st.booleans(), attempts=st.integers(1, 5), statuses=statuses,
               failures=st.sampled_from([["connect"], ["connect", "reset"]]))  # fmt: skip
breakers = part(upstream.CircuitBreaker, max_connections=st.integers(1, 9), max_requests=st.integers(1, 9))
balances = st.sampled_from([
    upstream.Balance(), upstream.Balance(policy="least_active"),
    upstream.Balance(policy="consistent_hash", hash_on="header", header="x-$tenant"),
])  # fmt: skip
certificates = st.sampled_from([
    upstream.UpstreamTls(skip_validation=True),
    upstream.UpstreamTls(server_name="inner.example.test"),
    upstream.UpstreamTls(skip_validation=True, server_name="inner.example.test", min_version="1.3"),
])  # fmt: skip


@st.composite
def services(draw: Any, number: int) -> schema.Service:
    scheme = draw(st.sampled_from(["http", "https"]))
    targets = draw(st.lists(st.tuples(hosts, st.integers(1, 65535)), min_size=1, max_size=3, unique=True))
    return schema.Service(
        id=f"s{number}",
        name=draw(texts),
        scheme=scheme,
        targets=[schema.Target(host=h, port=p, weight=draw(st.integers(0, 200))) for h, p in targets],
        protocol=draw(st.sampled_from(["http1", "http2"])),
        balance=draw(balances),
        tls=draw(st.none() | certificates) if scheme == "https" else None,
        health_check=draw(st.none() | checks),
        outliers=draw(st.none() | outliers),
        circuit_breaker=draw(st.none() | breakers),
        retries=draw(st.none() | retries),
        timeouts=draw(part(upstream.ServiceTimeouts, connect_seconds=seconds, connection_idle_seconds=seconds)),
    )


deprecations = st.builds(
    Deprecation,
    since=st.integers(0, 2**32) | st.just(86_400),
    sunset=st.none() | st.integers(2**32, 2**37),
    successor=st.sampled_from(["", "https://hub.example.test/v2"]),
)
patterns = st.sampled_from([".*", "/a(/.*)?", "$HOME", "yes", "007", "GET|HEAD"])
rules = st.builds(
    schema.Rule,
    path=patterns,
    host=patterns,
    methods=patterns,
    headers=st.dictionaries(st.sampled_from(["x-a", "x-b"]), patterns),
)


@st.composite
def parts(draw: Any) -> schema.ApiInstance:
    count = draw(st.integers(1, 3))
    found = [draw(services(number)) for number in range(count)]
    ids = st.sampled_from([each.id for each in found])
    paths = st.sampled_from(["", "/v2", "/a/b"])
    routes = []
    for number in range(draw(st.integers(1, 3))):
        ways = draw(
            st.just([])
            | st.lists(
                st.builds(schema.Destination, service=ids, weight=st.integers(1, 100), destination_path=paths),
                min_size=2,
                max_size=3,
            )
        )
        first = ways[0] if ways else schema.Destination(service=draw(ids), destination_path=draw(paths))
        routes.append(
            schema.Route(
                id=f"r{number}", name=draw(texts), service=first.service, destination_path=first.destination_path,
                rules=draw(st.lists(rules, max_size=2)), destinations=ways,
            )
        )  # fmt: skip
    policies = [
        schema.PolicyBinding(
            id=f"p{number}", policy="header-injection", order=draw(st.integers(-(10**7), 10**6)), mode=Mode.OFF,
            config={"inboundHeaders": [{"key": "x-a", "value": draw(patterns)}]},
            rules=draw(st.lists(rules, max_size=1)),
        )
        for number in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    return schema.ApiInstance(
        id="i", name=draw(texts), listener="l", base_path=draw(st.sampled_from(["", "/orders", "/a/b"])),
        services=found, routes=routes, policies=sorted(policies, key=lambda each: each.order),
        access_log=draw(st.none() | part(AccessLog, query=st.booleans(), hide=st.just(["url.path"]))),
        deprecation=draw(st.none() | deprecations),
        limits=draw(part(limits.ApiLimits, response_seconds=seconds, body_bytes=st.integers(0, 10**9))),
    )  # fmt: skip


def comparable(api: schema.ApiInstance) -> dict[str, Any]:
    """Return what a part does, without what things are called. Services that no route uses do nothing."""
    positions: dict[str, int] = {}
    for route in api.routes:
        for way in [each.service for each in route.destinations] or [route.service]:
            positions.setdefault(way, len(positions))
    by_id = {each.id: each for each in api.services}
    return {
        "base_path": api.base_path,
        "limits": api.limits,
        "access_log": api.access_log,
        "deprecation": api.deprecation,
        "services": [msgspec.structs.replace(by_id[each], id="", name="") for each in positions],
        "routes": [
            (
                positions[route.service],
                route.destination_path,
                route.rules,
                [(positions[way.service], way.weight, way.destination_path) for way in route.destinations],
            )
            for route in api.routes
        ],
        "policies": [(each.policy, each.order, each.config, each.rules, each.mode) for each in api.policies],
    }


def written(api: schema.ApiInstance) -> tuple[bytes, dict[str, str]]:
    variables = Variables()
    made = resources_of(api, LISTENER, Written(name="orders-v1", title="Orders v1", labels={"a": "yes"}), variables)
    return yaml_of(made).encode(), {each.name: each.value for each in variables.all.values()}


@settings(max_examples=150, deadline=None)
@given(parts())
def test_a_part_is_read_as_it_was_written(api: schema.ApiInstance) -> None:
    content, variables = written(api)
    resources, made = assemble_files([("orders.yaml", content)], variables)
    assert comparable(made.document.apis[0]) == comparable(api)
    assert resources[0].labels == {"a": "yes"}
    assert made.document.listeners[0].port == LISTENER.port


@pytest.mark.parametrize("value", TRICKY)
def test_a_text_stays_the_text_it_is(value: str) -> None:
    assert as_read({"value": value, "list": [value], "map": {"key": value}}) == {
        "value": value, "list": [value], "map": {"key": value},
    }  # fmt: skip


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
))  # fmt: skip
def test_any_value_stays_what_it_is(value: Any) -> None:
    assert as_read({"value": value}) == {"value": value}


def as_read(spec: dict[str, Any]) -> Any:
    (entry,) = read_entries("a.yaml", yaml_of([{"spec": literal(spec)}]).encode())
    return substitute(entry.value["spec"], {}, entry.place)


def test_the_key_shown_to_a_service_is_a_variable() -> None:
    pair = Authority().issue("inner.example.test")
    tls = upstream.UpstreamTls(skip_validation=True, certificate=pair.certificate, key=pair.key)
    api = schema.ApiInstance(
        id="i", name="Orders", listener="l", base_path="/orders",
        services=[schema.Service(id="s", name="main", scheme="https", tls=tls,
                                 targets=[schema.Target(host="10.0.0.1", port=443)])],
        routes=[schema.Route(id="r", name="all", service="s")],
    )  # fmt: skip
    content, variables = written(api)
    assert b"PRIVATE KEY" not in content
    assert list(variables) == ["ORDERS_V1_MAIN_TLS_KEY"]
    loaded = load_files([("orders.yaml", content)], variables)
    assert loaded.document.apis[0].services[0].tls == tls
