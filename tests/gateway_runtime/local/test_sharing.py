"""Ports and base paths of several instances."""

import pytest

from tests.gateway_runtime.local.kit import ask, fault, faults, instance, loaded

ROUTE = "services: {all: {address: 'http://10.0.0.1:1'}}"


@pytest.mark.parametrize(
    ("first", "second"), [("/cats", "/dogs"), ("/cats", "/catsanddogs"), ("/a/b", "/a/c"), ("/a/b", "/ab")]
)
def test_base_paths_side_by_side_share_a_port(first: str, second: str) -> None:
    made = loaded(
        instance("one", f"http://0.0.0.0:8080{first}", ROUTE), instance("two", f"http://0.0.0.0:8080{second}", ROUTE)
    )
    assert ask(made, f"{first}/x").api == "default/one"
    assert ask(made, f"{second}/x").api == "default/two"
    assert len(made.document.listeners) == 1


@pytest.mark.parametrize(
    ("outer", "inner"), [("/cats", "/cats/dogs"), ("", "/cats"), ("/a", "/a/b/c"), ("/a/", "/a/b")]
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_base_path_inside_another_is_refused_with_both_names_and_places(outer: str, inner: str, turned: bool) -> None:
    texts = [instance("outer", f"http://0.0.0.0:8080{outer}"), instance("inner", f"http://0.0.0.0:8080{inner}")]
    inner_line, outer_line = (6, 13) if turned else (13, 6)
    assert fault(*(reversed(texts) if turned else texts)) == (
        f"api.yaml:{inner_line}: spec.address: The base path {inner} of “inner” lies inside {outer.rstrip('/') or '/'} "
        f"of “outer” (api.yaml:{outer_line}) on port 8080. Base paths on one port may not contain each other."
    )


def test_the_same_base_path_is_refused_with_both_names_and_places() -> None:
    assert fault(instance("one", "http://0.0.0.0:8080/a"), instance("two", "http://0.0.0.0:8080/a/")) == (
        "api.yaml:13: spec.address: “two” has the same base path /a on port 8080 as “one” (api.yaml:6)."
    )


def test_other_ports_are_other_worlds() -> None:
    made = loaded(instance("one", "http://0.0.0.0:8080/a", ROUTE), instance("two", "http://0.0.0.0:8081/a/b", ROUTE))
    assert [listener.port for listener in made.document.listeners] == [8080, 8081]
    assert ask(made, "/a/b", port=8081).api == "default/two"


def test_one_port_has_one_address() -> None:
    assert fault(instance("one", "http://0.0.0.0:8080/a"), instance("two", "http://127.0.0.1:8080/b")) == (
        "api.yaml:13: spec.address: Port 8080 is already opened as http://0.0.0.0 by “one” (api.yaml:6). "
        "A port has one address."
    )


def test_the_port_of_probes_is_reserved() -> None:
    assert fault(instance(address="http://0.0.0.0:9998/a")) == (
        "api.yaml:6: spec.address: Port 9998 is reserved for probes and metrics. Choose another one."
    )


def test_one_port_has_one_scheme() -> None:
    found = faults(instance("one", "http://0.0.0.0:8080/a"), instance("two", "https://0.0.0.0:8080/b"))
    assert found[0] == (
        "api.yaml:13: spec.address: Port 8080 is already opened as http://0.0.0.0 by “one” (api.yaml:6). "
        "A port has one address."
    )
