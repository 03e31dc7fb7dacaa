"""Trace context: passed on where it is valid, otherwise left out, and never made up."""

import pytest

from tests.gateway_runtime.fakes import OK, FakeGateway, get

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def passed(*lines: str) -> list[bytes]:
    """Return the lines of trace context that the service gets, the same for a repeated request."""
    gateway = FakeGateway()
    upstream, client = gateway.upstream(), gateway.client()
    found = []
    for _ in range(2):
        client.send(get("/api/x", *lines))
        sent = upstream.take().split(b"\r\n")
        found.append([line for line in sent if line.lower().startswith((b"trace", b"baggage"))])
        upstream.answer(OK)
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    "parent",
    [PARENT, PARENT[:-2] + "00", PARENT[:-2] + "ff", f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-comes-later"],
)
def test_a_valid_parent_is_passed_on(parent: str) -> None:
    assert passed(f"traceparent: {parent}") == [f"traceparent: {parent}".encode()]
    assert passed(f"TraceParent: {parent}") == [f"TraceParent: {parent}".encode()]


BAD_PARENTS = [
    "", "00", PARENT.upper(), PARENT + "-00", PARENT + "x", PARENT[:-1], "ff" + PARENT[2:], "0" + PARENT[1:2] + PARENT,
    f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}{SPAN}-01", f"00_{TRACE}_{SPAN}_01",
    f"00-{TRACE[:-1]}-{SPAN}-01", f"00-{TRACE}-{SPAN}-0g", f"{PARENT}, {PARENT}", "0" * 4000, f"cc-{TRACE}-{SPAN}-01x",
    f" {PARENT} x", f"00-{TRACE}-{SPAN}", "<script>",
]  # fmt: skip


@pytest.mark.parametrize("parent", BAD_PARENTS)
def test_a_bad_parent_is_left_out_with_its_state(parent: str) -> None:
    assert passed(f"traceparent: {parent}", "tracestate: a=1") == []


def test_several_parents_say_nothing() -> None:
    assert passed(f"traceparent: {PARENT}", f"traceparent: {PARENT}", "tracestate: a=1") == []
    assert passed(f"traceparent: {PARENT}", f"TRACEPARENT: {PARENT[:-1]}0") == []


@pytest.mark.parametrize(
    "states",
    [
        ["a=1"],
        ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
        ["a=1", "b=2"],
        ["tenant@vendor=1, , b*/_-=~!x y"],
        [""],
        [",".join(f"a{number}=1" for number in range(32))],
        ["a=" + "x" * 256],
    ],
)
def test_valid_state_is_passed_on(states: list[str]) -> None:
    lines = [f"tracestate: {state}" for state in states]
    assert passed(f"traceparent: {PARENT}", *lines)[1:] == [line.encode() for line in lines]


@pytest.mark.parametrize(
    "states",
    [
        ["a"],
        ["A=1"],
        ["=1"],
        ["a="],
        ["a=1=2"],
        ["a=1;b=2", "a=\xff"],
        ["a=1,a=2"],
        ["a=1", "a=2"],
        ["a=" + "x" * 257],
        ["1a=1"],
        ["a@1=2"],
        [",".join(f"a{number}=1" for number in range(33))],
        [",".join(f"a{number}={'x' * 60}" for number in range(9))],
    ],
)
def test_bad_state_is_left_out_alone(states: list[str]) -> None:
    lines = [f"tracestate: {state}" for state in states]
    assert passed(f"traceparent: {PARENT}", *lines) == [f"traceparent: {PARENT}".encode()]


def test_state_without_a_parent_is_left_out() -> None:
    assert passed("tracestate: a=1") == []


def test_baggage_is_passed_on_up_to_its_limit() -> None:
    assert passed("baggage: a=1") == [b"baggage: a=1"]
    assert passed("baggage: " + "a" * 8193) == []
    assert passed(*["baggage: " + "a" * 3000] * 3) == []


def test_nothing_is_made_up() -> None:
    assert passed() == []
