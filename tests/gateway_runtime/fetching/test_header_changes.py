"""What somebody beside the caller may change in headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.fetching.header_changes import (
    MOST_BYTES,
    MOST_CHANGES,
    Action,
    Change,
    UnsafeHeader,
    changed,
    for_backend,
    for_caller,
)

HEADERS = [(b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(Action.APPEND, b"x-a", b"4"), [*HEADERS, (b"x-a", b"4")]),
        (Change(Action.SET, b"x-a", b"4"), [(b"x-b", b"2"), (b"x-a", b"4")]),
        (Change(Action.SET, b"x-c", b"4"), [*HEADERS, (b"x-c", b"4")]),
        (Change(Action.SET, b"x-a", b""), [(b"x-b", b"2")]),
        (Change(Action.ADD_IF_ABSENT, b"x-a", b"4"), HEADERS),
        (Change(Action.ADD_IF_ABSENT, b"x-c", b"4"), [*HEADERS, (b"x-c", b"4")]),
        (Change(Action.SET_IF_PRESENT, b"x-a", b"4"), [(b"x-b", b"2"), (b"x-a", b"4")]),
        (Change(Action.SET_IF_PRESENT, b"x-c", b"4"), HEADERS),
        (Change(Action.REMOVE, b"x-a"), [(b"x-b", b"2")]),
        (Change(Action.REMOVE, b"x-c"), HEADERS),
    ],
)
def test_what_a_change_does(change: Change, expected: list[tuple[bytes, bytes]]) -> None:
    given_headers = HEADERS.copy()
    assert changed(given_headers, [change]) == expected
    assert given_headers == HEADERS


@pytest.mark.parametrize(
    "name",
    [b"host", b"content-length", b"transfer-encoding", b"connection", b"te", b"upgrade", b"expect", b"x-forwarded-for",
     b"forwarded", b"x-real-ip", b"x-portico-user", b"x-consumer-id", b"x-envoy-internal", b"via", b"x-request-id",
     b"traceparent", b"x-http-method-override", b"x-original-url", b"x_user", b"ssl-client-cert", b"proxy", b"Host"],
)  # fmt: skip
def test_what_only_the_gateway_says_to_a_backend(name: bytes) -> None:
    for action in Action:
        with pytest.raises(UnsafeHeader):
            for_backend([Change(action, name, b"1")])


@pytest.mark.parametrize("name", [b"content-length", b"transfer-encoding", b"connection", b"x-request-id", b"alt-svc"])
def test_what_only_the_gateway_says_to_a_caller(name: bytes) -> None:
    assert for_caller([Change(Action.SET, name, b"1"), Change(Action.SET, b"x-a", b"1")]) == [
        (Action.SET, b"x-a", b"1")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"", b"1"), (b"x a", b"1"), (b"x-a:", b"1"), (b"x-a\r\nx-b", b"1"), (b":path", b"/"), (b"x-\xe4", b"1"),
     (b"x-a", b"1\r\nx-b: 2"), (b"x-a", b"1\n"), (b"x-a", b"\r"), (b"x-a", b"\0"), (b"x-a", b"a\x7f"),
     (b"x" * 300, b"1")],
)  # fmt: skip
def test_what_is_no_header_spoils_everything(name: bytes, value: bytes) -> None:
    if value.strip(b" \t\r\n") != value:
        value = b"a" + value + b"b"
    for check in (for_backend, for_caller):
        with pytest.raises(UnsafeHeader):
            check([Change(Action.SET, name, value)])


def test_so_much_and_no_more() -> None:
    for_backend([Change(Action.SET, b"x-a", b"1")] * MOST_CHANGES)
    with pytest.raises(UnsafeHeader):
        for_backend([Change(Action.SET, b"x-a", b"1")] * (MOST_CHANGES + 1))
    with pytest.raises(UnsafeHeader):
        for_caller([Change(Action.SET, b"x-a", b"1" * MOST_BYTES)])


def test_credentials_are_there_once() -> None:
    [change] = for_backend([Change(Action.APPEND, b"Authorization", b"Bearer b")])
    assert changed([(b"authorization", b"Basic a")], [change]) == [(b"authorization", b"Bearer b")]


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_whatever_is_let_through_is_one_line(name: bytes, value: bytes) -> None:
    try:
        found = for_backend([Change(Action.APPEND, name, value)]) + for_caller([Change(Action.APPEND, name, value)])
    except UnsafeHeader:
        return
    for _, key, text in found:
        line = key + b": " + text
        assert len(line.splitlines()) == 1
        assert key == key.lower()
        assert not set(line) & {0, 10, 13, 127}
