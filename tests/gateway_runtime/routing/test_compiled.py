"""Which route takes a request, and the path it sends on."""

import pytest

from gateway_runtime.routing.compiled import compile_api
from gateway_runtime.routing.rules import RuleError, compile_rules, rules_hold
from gateway_runtime.schema.document import ApiInstance, Destination, Route, Rule, Service, Target
from gateway_runtime.upstream.registry import PoolRegistry
from tests.gateway_runtime.routing.documented_paths import DOCUMENTED_PATHS

SERVICE = Service(id="s", name="s", targets=[Target(host="h", port=1)])
POOLS = {"s": PoolRegistry().get(SERVICE)}


def compile_routes(base_path: str, *routes: Route):  # type: ignore[no-untyped-def]
    document = ApiInstance(id="a", name="a", listener="l", base_path=base_path, services=[SERVICE], routes=list(routes))
    return compile_api(document, None, POOLS)


def upstream_path(base: str, rule: str, destination: str, path: str) -> str | None:
    rules = [Rule(path=rule)] if rule else []
    api = compile_routes(base, Route(id="r", name="r", service="s", destination_path=destination, rules=rules))
    found = api.find(b"GET", path.encode(), b"", list)
    return None if found is None else found[1].decode()


@pytest.mark.parametrize(
    ("base", "rule", "destination", "path", "expected"),
    [
        *DOCUMENTED_PATHS,
        ("/api", "/foo(/.*)?", "/orders", "/api/foo", "/orders"),
        ("/api", "/foo(/.*)", "/posts/", "/api/foo/1", "/posts/1"),
        ("/api", "/foo/(.*)", "/posts/", "/api/foo/1", "/posts/1"),
        ("/api", "/foo/(.*)", "", "/api/foo/1", "/1"),
        ("/api", "", "", "/api", "/"),
        ("/api", "", "/v1", "/api", "/v1"),
        ("/api", "", "/v1", "/api/", "/v1/"),
        ("/api", "", "v1", "/api/x", "/v1/x"),
        ("/api", "/", "/v1", "/api", "/v1"),
        ("/api", "/foo", "", "/api/foo/bar", None),
    ],
)
def test_the_documented_table(base: str, rule: str, destination: str, path: str, expected: str | None) -> None:
    assert upstream_path(base, rule, destination, path) == expected


def test_the_first_route_that_holds_takes_the_request() -> None:
    api = compile_routes(
        "/api",
        Route(id="1", name="1", service="s", rules=[Rule(path="/a/.*", methods="GET"), Rule(path="/b/.*")]),
        Route(id="2", name="2", service="s", rules=[Rule(path="/a/.*")]),
        Route(id="3", name="3", service="s"),
    )

    def chosen(method: bytes, path: bytes) -> str:
        found = api.find(method, path, b"", list)
        assert found is not None
        return found[0].id

    assert chosen(b"GET", b"/api/a/x") == "1"
    assert chosen(b"POST", b"/api/b/x") == "1"
    assert chosen(b"POST", b"/api/a/x") == "2"
    assert chosen(b"POST", b"/api/c") == "3"


def holds(
    rule: Rule, method: bytes = b"GET", host: bytes = b"h", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> bool:
    return rules_hold(compile_rules([rule]), method, b"/x", host, headers)


def test_all_parts_of_a_rule_must_hold() -> None:
    rule = Rule(path="/x", host=r"api\.example", methods="GET|PURGE", headers={"X-Plan": "gold|silver"})
    good = ((b"x-plan", b"gold"),)
    assert holds(rule, b"GET", b"api.example", good)
    assert holds(rule, b"PURGE", b"api.example", good)
    assert not holds(rule, b"POST", b"api.example", good)
    assert not holds(rule, b"PURGE2", b"api.example", good)
    assert not holds(rule, b"GET", b"apixexample", good)
    assert not holds(rule, b"GET", b"api.example")
    assert not holds(rule, b"GET", b"api.example", ((b"x-plan", b"golden"),))
    assert not holds(rule, b"GET", b"api.example", (*good, (b"x-plan", b"evil")))


def test_a_header_rule_reads_every_byte() -> None:
    assert holds(Rule(headers={"x-a": ".*"}), headers=((b"x-a", b"\xff\x80"),))
    assert not holds(Rule(headers={"x-a": "a+"}), headers=((b"x-a", b"a\xff"),))
    assert not holds(Rule(headers={"x-a": ".*"}))


def test_a_pattern_that_re2_does_not_take_names_its_field() -> None:
    with pytest.raises(RuleError) as caught:
        compile_rules([Rule(path="/a(?=b)")])
    assert caught.value.path == "path"


def test_a_route_without_its_service_is_refused() -> None:
    with pytest.raises(LookupError, match="other"):
        compile_routes("/api", Route(id="r", name="r", service="other"))


def test_a_weighted_route_to_a_service_that_is_not_there_is_refused() -> None:
    ways = [Destination(service="s", weight=1), Destination(service="gone", weight=1)]
    with pytest.raises(LookupError, match="“gone”"):
        compile_routes("", Route(id="r", name="r", service="s", destinations=ways))


def test_a_weighted_route_takes_path_and_pool_of_the_way_it_chose() -> None:
    ways = [Destination(service="s", weight=1, destination_path="/v2")]
    api = compile_routes("", Route(id="r", name="r", service="s", destinations=ways))
    found = api.find(b"GET", b"/a", b"", list)
    assert found is not None
    assert (found[0].id, found[0].pool, found[1]) == ("r", POOLS["s"], b"/v2/a")
    assert [*api.pools()] == [POOLS["s"]]
