"""One path for everybody, or none."""

import pytest

from gateway_runtime.http.refusals import BadMessage
from gateway_runtime.http.target import parse_host, parse_target, path_is_canonical

HOST = b"shop.example"


@pytest.mark.parametrize(
    "path",
    ["/", "/a", "/a/", "/a/b.c", "/a/..b", "/a../b", "/.well-known/x", "/a;v=1/b", "/a%20b",
     "/%C3%A9", "/a:b@c", "/...",
     "/a%252e%252e/b", "/~ada", "/a%3Fb", "/x,y'(z)*!$&+="],
)  # fmt: skip
def test_canonical_paths_pass_unchanged(path: str) -> None:
    assert parse_target(path.encode(), HOST) == (path.encode(), None)
    assert path_is_canonical(path.encode())


@pytest.mark.parametrize(
    "path",
    ["//", "//a", "/a//b", "/a//", "/.", "/..", "/a/.", "/a/..", "/a/../b", "/a/./b", "/./a", "/..;/a", "/a/.;x=1/b",
     "/a/..;", "/a/..%3b", "/a/.%3Bx/b", "/a/..%3f/b", "/a/..%23/b", "/a/..%20/b", "/%3Bx/a", "/;/a", "/a/;x",
     "/%2e%2e/a", "/.%2e/a", "/%2E./a", "/a/%2e", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb",
     "\\a", "/a\\b", "/a%00", "/a%0a", "/a%0D", "/a%1f", "/a%7F", "/a%", "/a%4", "/a%zz", "/%61", "/%41dmin", "/%2Da",
     "/%7Eada", "/%5f", "/%30", "/a%c0%ae", "/%c0%af", "/a%ff", "/a<b", "/a\"b", "/a`b", "/a{b}", "/a|b", "/a^b",
     "/a?b\\..", "/x#y", "/x?y#z", "*", "a", "", "?x", "http:/a", "https://shop.example/a", "http://shop.example:81/a",
     "http://u@shop.example/a", "http://shop.example\\@evil/a", "http:///a", "/a%2e%2e%2fb"],
)  # fmt: skip
def test_anything_that_could_be_read_in_two_ways_is_refused(path: str) -> None:
    if path == "/a?b\\..":
        assert parse_target(path.encode(), HOST)[0] == b"/a"  # a query is nobody's path
        return
    with pytest.raises(BadMessage):
        parse_target(path.encode(), HOST)


def test_the_query_is_kept_as_it_came() -> None:
    assert parse_target(b"/a?", HOST) == (b"/a", b"")
    assert parse_target(b"/a?x=%2e%2e/&y[]={1}?", HOST) == (b"/a", b"x=%2e%2e/&y[]={1}?")


def test_only_the_case_of_escapes_is_made_equal() -> None:
    assert parse_target(b"/caf%c3%A9?q=%c3", HOST) == (b"/caf%C3%A9", b"q=%c3")


def test_an_absolute_target_that_names_the_host_is_its_path() -> None:
    assert parse_target(b"http://Shop.Example/a?b", HOST) == (b"/a", b"b")
    assert parse_target(b"HTTP://shop.example:80", HOST) == (b"/", None)
    assert parse_target(b"http://shop.example?x", HOST) == (b"/", b"x")
    with pytest.raises(BadMessage):
        parse_target(b"http://shop.example/a/../b", HOST)


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        (b"Shop.Example", (b"shop.example", b"shop.example")),
        (b"shop:80", (b"shop", b"shop")),
        (b"shop:8080", (b"shop", b"shop:8080")),
        (b"127.0.0.1:65535", (b"127.0.0.1", b"127.0.0.1:65535")),
        (b"[::1]:8080", (b"[::1]", b"[::1]:8080")),
        (b"my_service", (b"my_service", b"my_service")),
        (b"Shop.Example.", (b"shop.example", b"shop.example")),
        (b"shop.example.:8080", (b"shop.example", b"shop.example:8080")),
    ],
)
def test_good_hosts(value: bytes, parsed: tuple[bytes, bytes]) -> None:
    assert parse_host(value) == parsed


@pytest.mark.parametrize(
    "value",
    [b"", b"a b", b"a,b", b"a@b", b"a/b", b"a:", b"a:0", b"a:080", b"a:65536", b"a:99999", b"a:b", b"a..b", b".a",
     b"[::1",
     b"a\x00.b", b"a#b", b"a?b", b"-a", b"\xc3\xa9", b"a" * 301, b"a%41"],
)  # fmt: skip
def test_bad_hosts(value: bytes) -> None:
    assert parse_host(value) is None


def test_over_tls_the_usual_port_and_scheme_are_those_of_https() -> None:
    assert parse_host(b"Shop.Example:443", secure=True) == (HOST, HOST)
    assert parse_host(b"shop.example:80", secure=True) == (HOST, b"shop.example:80")
    assert parse_host(b"shop.example:443") == (HOST, b"shop.example:443")
    assert parse_target(b"https://shop.example:443/a", HOST, secure=True) == (b"/a", None)
    assert parse_target(b"HTTPS://SHOP.example/a?b", HOST, secure=True) == (b"/a", b"b")


@pytest.mark.parametrize(
    ("target", "secure"),
    [(b"http://shop.example/a", True), (b"https://shop.example/a", False), (b"https://shop.example:80/a", True)],
)
def test_another_scheme_or_port_than_that_of_the_connection_is_refused(target: bytes, secure: bool) -> None:
    with pytest.raises(BadMessage):
        parse_target(target, HOST, secure=secure)
