import random
from collections.abc import Iterable

import pytest

from gateway_runtime.routing.compiled import CompiledRoute
from gateway_runtime.routing.path_set import Candidate, PathSet, path_set
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


def holding(candidates: Iterable[Candidate], path: bytes) -> list[tuple[str, bytes]]:
    """Return the routes that hold, each with what its first rule that holds leaves of the path."""
    found = []
    for route, rules in candidates:
        kept = [path] if rules is None else [rule.match(b"GET", path, b"h", list) for rule in rules]
        found += [(route.id, left) for left in kept if left is not None][:1]
    return found


def asked_whole(routes: list[CompiledRoute]) -> list[Candidate]:
    return [(route, route.rules) for route in routes]


def test_every_route_that_holds_is_a_candidate_in_its_place() -> None:
    chance = random.Random(11)
    for _ in range(200):
        routes = routes_of(*(chance.choices(PATHS, k=chance.randint(0, 3)) for _ in range(8)))
        for path in (b"/", b"/a", b"/a/b", b"/b", b"/17", b"/A", b"/x/c", b"/\xff\n"):
            assert holding(PathSet(routes).candidates(path), path) == holding(asked_whole(routes), path)


def test_only_what_can_hold_is_asked() -> None:
    routes = routes_of(*([f"/r{n}/.*"] for n in range(10)))
    assert [route.id for route, _ in PathSet(routes).candidates(b"/r9/x")] == ["9"]


def test_a_path_that_no_pattern_holds_for_asks_nobody() -> None:
    routes = routes_of(*([f"/r{n}/.*"] for n in range(10)))
    for path in (b"/none", b"/r10/x", b"/r1", b"/r1\n/x", b"\xff"):
        assert list(PathSet(routes).candidates(path)) == []


def test_all_are_asked_where_the_set_has_given_up() -> None:
    class GivenUp:
        def Match(self, path: bytes) -> None:
            return None

    routes = routes_of(["/a"], ["/b"], ["/c"])
    paths = PathSet(routes)
    paths._patterns = GivenUp()
    assert list(paths.candidates(b"/c")) == asked_whole(routes)


def test_a_path_that_one_pattern_holds_for_is_not_matched_again() -> None:
    plain, post, grouped = Rule(path="/a/.*"), Rule(path="/b", methods="POST"), Rule(path="/(c)/d")
    pool = PoolRegistry().get(SERVICE)
    routes = [
        CompiledRoute(Route(id=str(n), name=str(n), service="s", rules=[rule]), pool)
        for n, rule in enumerate((plain, post, grouped))
    ]
    paths = PathSet(routes)
    assert paths.candidates(b"/a/x") == ((routes[0], None),)
    ((_, asked),) = paths.candidates(b"/b")
    assert asked
    assert [rule.match(method, b"/b", b"h", list) for rule in asked for method in (b"GET", b"POST")] == [None, b"/b"]
    assert paths.candidates(b"/c/d") == ((routes[2], routes[2].rules),)


@pytest.mark.parametrize(("count", "made"), [(1, False), (2, False), (3, True)])
def test_a_set_is_made_where_it_is_worth_it(count: int, made: bool) -> None:
    assert (path_set(routes_of(*(["/a"] for _ in range(count)))) is not None) == made
