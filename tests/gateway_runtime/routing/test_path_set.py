import random

import pytest

from gateway_runtime.routing.compiled import CompiledRoute
from gateway_runtime.routing.path_set import PathSet, path_set
from gateway_runtime.schema.document import Route, Rule, Service, Target
from gateway_runtime.upstream.registry import PoolRegistry

SERVICE = Service(id="s", name="s", targets=[Target(host="127.0.0.1", port=9)])
PATHS = [".*", "", "/a", "/a/.*", "/(a|b)", "/[0-9]+", "/a(/b)?", "/(.*)/c", "(?i)/A"]


def routes_of(*paths: list[str]) -> list[CompiledRoute]:
    pool = PoolRegistry().get(SERVICE)
    return [
        CompiledRoute(Route(id=str(n), name=str(n), service="s", rules=[Rule(path=path) for path in rules]), pool)
        for n, rules in enumerate(paths)
    ]


def holding(routes: list[CompiledRoute], path: bytes) -> list[str]:
    return [
        route.id
        for route in routes
        if route.rules is None or any(rule.match(b"GET", path, b"h", list) is not None for rule in route.rules)
    ]


def test_every_route_that_holds_is_a_candidate_in_its_place() -> None:
    chance = random.Random(11)
    for _ in range(200):
        routes = routes_of(*(chance.choices(PATHS, k=chance.randint(0, 3)) for _ in range(8)))
        for path in (b"/", b"/a", b"/a/b", b"/b", b"/17", b"/A", b"/x/c", b"/\xff\n"):
            found = list(PathSet(routes).candidates(path))
            assert holding(found, path) == holding(routes, path)


def test_only_what_can_hold_is_asked() -> None:
    routes = routes_of(*([f"/r{n}/.*"] for n in range(10)))
    assert [route.id for route in PathSet(routes).candidates(b"/r9/x")] == ["9"]


def test_without_a_hit_all_are_asked_because_a_set_may_have_given_up() -> None:
    routes = routes_of(["/a"], ["/b"], ["/c"])
    assert list(PathSet(routes).candidates(b"/none")) == routes


@pytest.mark.parametrize(("count", "made"), [(1, False), (2, False), (3, True)])
def test_a_set_is_made_where_it_is_worth_it(count: int, made: bool) -> None:
    assert (path_set(routes_of(*(["/a"] for _ in range(count)))) is not None) == made
