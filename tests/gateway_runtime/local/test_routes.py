"""The policies `route` and `route-weighted`."""

from collections import Counter

import pytest

from tests.gateway_runtime.local.kit import ask, binding, fault, instance, loaded, only_api, service, snapshot

ROUTE = """
targetRef: {name: museum}
policyRef: {name: route}
config: {destinationPath: %s, destinationRef: {name: exhibits}}
"""
WEIGHTED = """
targetRef: {name: museum}
policyRef: {name: route-weighted}
config:
  routes:
    - weight: 90
      destinationRef: {name: old}
    - weight: 10
      destinationPath: /v2
      destinationRef: {name: new}
rules:
  - path: /rooms(/.*)
"""


def with_route(path: str) -> str:
    return ask(loaded(instance(), service(), binding("r", ROUTE % path)), "/a").upstream_path


@pytest.mark.parametrize(
    ("written", "sent"), [('""', "/a"), ("/", "/a"), ("/v1", "/v1/a"), ("/v1/", "/v1/a"), ("v1", "/v1/a")]
)
def test_a_destination_path_is_put_in_front(written: str, sent: str) -> None:
    assert with_route(written) == sent


@pytest.mark.parametrize("written", ["/a?b", "/a#b", "'/a b'", "/é", "/a/../b", "//a", "/%61"])
def test_a_destination_path_is_a_path(written: str) -> None:
    found = fault(instance(), service(), binding("r", ROUTE % written))
    assert found.startswith("api.yaml:22: spec.config.destinationPath: “")


def test_routes_are_tried_by_order_and_then_as_they_are_written() -> None:
    def route(name: str, path: str, order: int) -> str:
        spec = "targetRef: {name: museum}\npolicyRef: {name: route}\nconfig: {destinationRef: {name: exhibits}}\n"
        return binding(name, f"{spec}rules: [{{path: {path}}}]\norder: {order}\n")

    made = loaded(
        instance(),
        service(),
        route("rest", ".*", 60),
        route("first", "/a.*", 50),
        route("second", "/a/b.*", 50),
        route("before", "/a/b/c", 1),
    )
    found = [ask(made, path).route.rpartition("/")[2] for path in ("/a/b/c", "/a/b", "/x")]
    assert found == ["before", "first", "rest"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("exhibits}", "exibits}"), "spec.config.destinationRef.name: There is no Service “exibits” in the namespace"),
        (("exhibits}", "exhibits, namespace: x}"), "spec.config.destinationRef.name: There is no Service “exhibits” i"),
        (("exhibits}", "exhibits, kind: Pod}"), "spec.config.destinationRef.kind: "),
        (("destinationRef", "destination"), "spec.config.destination: There is no setting “destination”. Did you mean"),
        (("destinationPath: /a", "destinationPath: 1"), "spec.config.destinationPath: Expected “str”, got `int`. Writ"),
        (("name: route", "name: rout"), "spec.policyRef.name: There is no policy “rout”. Did you mean “route”?"),
        (("{name: museum}", "{kind: Service, name: exhibits}"), "spec.policyRef.name: The policy “route” is bound to"),
    ],
)  # fmt: skip
def test_a_route_that_leads_nowhere_is_refused(change: tuple[str, str], sentence: str) -> None:
    text = ROUTE % "/a"
    assert change[0] in text
    assert fault(instance(), service(), binding("r", text.replace(*change))).partition(": ")[2].startswith(sentence)


def test_a_service_of_another_namespace() -> None:
    text = (ROUTE % "/a").replace("exhibits}", "exhibits, namespace: east}")
    made = loaded(instance(), service(namespace="east"), binding("r", text))
    assert [each.id for each in only_api(made).services] == ["east/exhibits"]


def test_two_instances_share_a_service() -> None:
    second = (ROUTE % "/a").replace("museum", "shop")
    made = loaded(
        instance(), instance("shop", "http://0.0.0.0:8081"), service(), binding("r", ROUTE % "/a"), binding("s", second)
    )
    compiled = snapshot(made)
    first, other = (compiled.apis[f"default/{name}"].routes[0].pool for name in ("museum", "shop"))
    assert first is other


def test_a_weighted_route_sends_each_request_to_one_of_its_services() -> None:
    made = loaded(instance(), service("old"), service("new", "http://10.0.0.2:9000"), binding("w", WEIGHTED))
    assert [(d.service, d.weight, d.destination_path) for d in only_api(made).routes[0].destinations] == [
        ("default/old", 90, ""),
        ("default/new", 10, "/v2"),
    ]
    (api,) = snapshot(made).apis.values()
    sent = Counter()
    for _ in range(2000):
        found = api.find(b"GET", b"/rooms/7", b"a", list)
        assert found is not None
        sent[found[0].pool.service.id, found[1]] += 1
    assert set(sent) == {("default/old", b"/7"), ("default/new", b"/v2/7")}
    # 200 expected; less than one run in a billion is outside.
    assert 110 < sent["default/new", b"/v2/7"] < 300
    assert len(set(api.pools())) == 2
    assert api.find(b"GET", b"/other", b"a", list) is None


def test_a_weighted_route_with_one_service_is_a_route() -> None:
    lines = WEIGHTED.splitlines()
    made = loaded(instance(), service("old"), binding("w", "\n".join([*lines[:7], *lines[10:]])))
    assert ask(made, "/rooms/7").upstream_path == "/7"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("weight: 90", "weight: 0"), "spec.config.routes[0].weight: Use 1 or more."),
        (("weight: 90", "weight: 101"), "spec.config.routes[0].weight: Use 100 or less."),
        (("    - weight: 10\n      dest", "    - dest"), "spec.config.routes[1].weight: This setting is required."),
        (("name: new", "name: newer"), "spec.config.routes[1].destinationRef.name: There is no Service “newer”"),
        (("weight: 10", "wieght: 10"), "spec.config.routes[1].wieght: There is no setting “wieght”. Did you mean “wei"),
    ],
)  # fmt: skip
def test_shares_are_checked_where_they_stand(change: tuple[str, str], sentence: str) -> None:
    assert change[0] in WEIGHTED
    found = fault(instance(), service("old"), service("new"), binding("w", WEIGHTED.replace(*change)))
    assert found.partition(": ")[2].startswith(sentence)


def test_a_service_speaks_http1_unless_it_says_otherwise() -> None:
    assert only_api(loaded(instance(), service(), binding("r", ROUTE % "/"))).services[0].protocol == "http1"
    spoken = service(address="http://10.0.0.1:9000\nprotocol: http2")
    assert only_api(loaded(instance(), spoken, binding("r", ROUTE % "/"))).services[0].protocol == "http2"
    found = fault(instance(), service(address="http://10.0.0.1\nprotocol: spdy"), binding("r", ROUTE % "/"))
    assert "spec.protocol: " in found
