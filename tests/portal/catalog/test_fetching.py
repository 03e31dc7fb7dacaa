"""Fetching a specification: only from public addresses, bounded in size, time and redirects."""

import ipaddress

import httpx2
import pytest

from portal.catalog.openapi.faults import SpecificationRefused
from portal.catalog.openapi.fetching import specification_fetch
from portal.catalog.openapi.limits import MAX_BYTES

PUBLIC = ipaddress.ip_address("93.184.216.34")


class FakeInternet:
    """Answers by URL; resolves names by a table; remembers what was asked."""

    def __init__(self, answers, names=None):
        self.answers = answers
        self.names = names or {}
        self.asked = []

    def resolve(self, host, port):
        return [ipaddress.ip_address(address) for address in self.names.get(host, [str(PUBLIC)])]

    def handle(self, request):
        self.asked.append(request)
        answer = self.answers[f"{request.headers['host']}{request.url.path}"]
        return answer() if callable(answer) else answer

    def fetch(self, url, **options):
        return specification_fetch(url, resolve=self.resolve, transport=httpx2.MockTransport(self.handle), **options)


def refused(internet, url, **options):
    with pytest.raises(SpecificationRefused) as caught:
        internet.fetch(url, **options)
    return caught.value.code


def redirect(to):
    return httpx2.Response(302, headers={"location": to})


def test_document_is_fetched_from_the_address_that_was_checked():
    internet = FakeInternet({"example.test/openapi.yaml": httpx2.Response(200, content=b"openapi: 3.0.3")})
    assert internet.fetch("https://example.test/openapi.yaml?token=1") == b"openapi: 3.0.3"
    request = internet.asked[0]
    assert request.url.host == str(PUBLIC)
    assert request.headers["host"] == "example.test"
    assert request.extensions["sni_hostname"] == "example.test"
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1", "0.0.0.0", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "100.64.0.1", "224.0.0.1"],
)  # fmt: skip
def test_name_that_resolves_to_a_private_address_is_refused(address):
    assert refused(FakeInternet({}, {"example.test": [address]}), "http://example.test/") == "url_private"


def test_one_private_address_among_public_ones_is_enough():
    internet = FakeInternet({}, {"example.test": [str(PUBLIC), "127.0.0.1"]})
    assert refused(internet, "http://example.test/") == "url_private"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_every_spelling_of_a_private_address_is_refused(host):
    with pytest.raises(SpecificationRefused) as caught:
        specification_fetch(f"http://{host}/openapi.yaml", transport=httpx2.MockTransport(lambda _: None))
    assert caught.value.code == "url_private"


def test_private_addresses_can_be_allowed(settings):
    settings.ALLOW_PRIVATE_IMPORT = True
    internet = FakeInternet({"example.test/a": httpx2.Response(200, content=b"x")}, {"example.test": ["10.0.0.1"]})
    assert internet.fetch("http://example.test/a") == b"x"


def test_redirect_is_followed_and_checked_again():
    names = {"inside.test": ["10.0.0.1"]}
    internet = FakeInternet(
        {"a.test/": redirect("https://b.test/x"), "b.test/x": httpx2.Response(200, content=b"x")}, names
    )
    assert internet.fetch("http://a.test/") == b"x"
    assert refused(FakeInternet({"a.test/": redirect("http://inside.test/")}, names), "http://a.test/") == "url_private"
    assert refused(FakeInternet({"a.test/": redirect("file:///etc/passwd")}), "http://a.test/") == "url_invalid"


def test_endless_redirects_are_refused():
    assert refused(FakeInternet({"a.test/": lambda: redirect("http://a.test/")}), "http://a.test/") == "url_redirects"


@pytest.mark.parametrize("url", ["ftp://a.test/", "file:///etc/passwd", "a.test", "http://", "http://[::1", ""])
def test_other_schemes_and_nonsense_are_refused(url):
    assert refused(FakeInternet({}), url) == "url_invalid"


def test_credentials_in_the_address_are_refused():
    assert refused(FakeInternet({}), "http://ada:secret@a.test/") == "url_credentials"


def test_too_large_body_is_refused():
    internet = FakeInternet({"a.test/": httpx2.Response(200, content=b"x" * (MAX_BYTES + 1))})
    assert refused(internet, "http://a.test/") == "specification_too_large"


def test_packed_body_is_refused():
    internet = FakeInternet({"a.test/": httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Empty())})
    assert refused(internet, "http://a.test/") == "url_packed"


class Empty(httpx2.SyncByteStream):
    def __iter__(self):
        return iter(())


def test_slow_body_is_refused():
    times = iter([0.0, 100.0])
    internet = FakeInternet({"a.test/": httpx2.Response(200, content=b"x")})
    assert refused(internet, "http://a.test/", clock=lambda: next(times)) == "url_too_slow"


def test_other_status_is_refused():
    assert refused(FakeInternet({"a.test/": httpx2.Response(404)}), "http://a.test/") == "url_status"


def test_no_connection_is_one_sentence_without_the_query():
    def broken(request):
        raise httpx2.ConnectError("refused")

    with pytest.raises(SpecificationRefused) as caught:
        specification_fetch(
            "http://a.test/x?token=secret", resolve=lambda *_: [PUBLIC], transport=httpx2.MockTransport(broken)
        )
    assert caught.value.code == "url_unreachable"
    assert "secret" not in caught.value.fields["url"]
