"""What may be entered for base paths, implementation URLs and routes."""

import pytest

from portal.apis.checks import (
    base_path_fault,
    destination_path_fault,
    implementation_url_fault,
    overlaps,
    route_methods,
    url_fault,
)
from portal.core.errors import ApplicationError
from portal.organizations.models import Environment

STRICT = Environment(name="Production", allow_private_targets=False)
OPEN = Environment(name="Sandbox", allow_private_targets=True)


@pytest.mark.parametrize("path", ["/", "/orders", "/a/b/c", "/v1.2/x_y~z-1"])
def test_base_path_is_taken(path):
    assert base_path_fault(path) == ""


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "Begin"),
        ("orders", "Begin"),
        ("/orders/", "at the end"),
        ("//orders", "double slash"),
        ("/a//b", "double slash"),
        ("/a/../b", "“..”"),
        ("/.", "“.”"),
        ("/a b", "Use only"),
        ("/a%2fb", "Use only"),
        ("/a?b", "Use only"),
        ("/a;b", "Use only"),
        ("/é", "Use only"),
        ("/a\n", "Use only"),
        ("/" + "a" * 200, "200 characters"),
    ],
)
def test_base_path_is_refused(path, words):
    assert words in base_path_fault(path)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/orders", "/orders", True),
        ("/orders", "/orders/open", True),
        ("/orders/open", "/orders", True),
        ("/", "/orders", True),
        ("/orders", "/", True),
        ("/", "/", True),
        ("/orders", "/orders-v2", False),
        ("/orders/a", "/orders/b", False),
        ("/orders", "/Orders", False),
    ],
)
def test_base_paths_overlap_on_whole_segments(one, other, expected):
    assert overlaps(one, other) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://orders.example.com",
        "https://orders.example.com:8443/api/v1",
        "http://orders.example.com/api/",
        "http://orders_internal:9001",
        "http://[2606:4700::1111]:80/a",
        "http://93.184.216.34/a%20b",
        "HTTP://Orders.Example.Com",
    ],
)
def test_implementation_url_is_taken(url):
    assert implementation_url_fault(url, STRICT) == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Begin"),
        ("orders.example.com", "Begin"),
        ("ftp://orders.example.com", "Begin"),
        ("file:///etc/passwd", "Begin"),
        ("http://", "host is missing"),
        ("http:///api", "host is missing"),
        ("http://ada:secret@orders.example.com", "user name"),
        ("http://orders.example.com@evil.test", "user name"),
        ("http://orders.example.com/api?x=1", "from ? or #"),
        ("http://orders.example.com/api?", "from ? or #"),
        ("http://orders.example.com/#a", "from ? or #"),
        ("http://orders.example.com\r\nHost: evil.test", "line breaks"),
        ("http://orders.example.com/a b", "spaces"),
        ("http://orders.example.com:0", "1 to 65535"),
        ("http://orders.example.com:70000", "cannot be read"),
        ("http://orders.example.com:x", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://-bad-/", "host has characters"),
        ("http://a..b/", "host has characters"),
        ("http://orders.example.com/a/../b", "“..”"),
        ("http://orders.example.com/a/%2e%2e/b", "“..”"),
        ("http://orders.example.com/a//b", "double slash"),
        ("http://orders.example.com/a%zz", "percent-encoded"),
        ("http://orders.example.com/a\\b", "percent-encoded"),
        ("http://orders.example.com/" + "a" * 500, "500 characters"),
    ],
)
def test_implementation_url_is_refused(url, words):
    assert words in url_fault(url)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "api.localhost", "LOCALHOST.", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1",
        "017700000001", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "[::1]",
        "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::a00:1]",
        "[2002:7f00:1::]", "metadata.google.internal", "printer.local", "127.0.0.1.",
    ],
)  # fmt: skip
def test_private_address_is_refused_unless_the_environment_allows_it(host):
    url = f"http://{host}:9001/api"
    assert "Production does not allow" in implementation_url_fault(url, STRICT)
    assert implementation_url_fault(url, OPEN) == ""


@pytest.mark.parametrize("path", ["", "/v2", "/v2/beta", "/a%20b"])
def test_path_of_a_destination_is_taken(path):
    assert destination_path_fault(path) == ""


@pytest.mark.parametrize("path", ["v2", "/v2?x=1", "/../v2", "/a//b", "/a b", "/%2e%2e/x"])
def test_path_of_a_destination_that_could_not_be_asked_for_is_refused(path):
    assert destination_path_fault(path)


def test_methods_are_written_one_way():
    assert route_methods("head, get POST") == "GET|HEAD|POST"


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(ApplicationError, match="no method FETCH"):
        route_methods("GET|FETCH")


def test_a_pattern_for_methods_stays_as_it_is():
    assert route_methods("P.*") == "P.*"
