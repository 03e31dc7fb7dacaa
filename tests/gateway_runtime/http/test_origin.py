"""Whose word about a caller counts, how far it is followed, and what is believed of the rest: nothing."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.http.origin import Origin, TrustedProxies
from gateway_runtime.policies.chain import Binding
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.policy import Handlers
from tests.gateway_runtime.fakes import OK, FakeGateway, get

PROXY = "10.0.0.1"
NETWORKS = ["10.0.0.0/8", "2001:db8:1::/48"]
XFF = TrustedProxies(NETWORKS)
STANDARD = TrustedProxies(NETWORKS, header="forwarded")


def client(*values: str) -> str:
    return XFF.origin([f"X-Forwarded-For: {value}".encode("latin-1") for value in values], PROXY).client


def forwarded(*values: str) -> Origin:
    return STANDARD.origin([f"Forwarded: {value}".encode("latin-1") for value in values], PROXY)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["evil, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1, 203.0.113.7, 10.1.2.3"], "203.0.113.7"),
        (["198.51.100.1", "203.0.113.7", "10.1.2.3"], "203.0.113.7"),
        (["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        (["203.0.113.7:51000"], "203.0.113.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:db8::7]:51000"], "2001:db8::7"),
        (["2001:0DB8::0007"], "2001:db8::7"),
        (["203.0.113.7, 2001:db8:1::5"], "203.0.113.7"),
        (["::ffff:203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7, ::ffff:10.1.2.3"], "203.0.113.7"),
        ([", ,203.0.113.7,, ,"], "203.0.113.7"),
        (["203.0.113.7\t,\t10.1.2.3 "], "203.0.113.7"),
        ([""], PROXY),
        ([], PROXY),
    ],
)
def test_the_client_is_the_rightmost_address_that_nobody_vouches_for(values: list[str], found: str) -> None:
    assert client(*values) == found


GARBAGE = [
    "unknown", "_hidden", "-", "203.0.113", "203.0.113.256", "203.0.113.07", "0x7f.1", "2130706433", "localhost",
    "203.0.113.7:", "203.0.113.7:port", "203.0.113.7:123456", "203.0.113.7 203.0.113.8", "[203.0.113.7]", "[::1",
    "::1]", "[]", "2001:db8::7:51000:1:2:3:4:5", "fe80::1%eth0", "[fe80::1%eth0]", "'203.0.113.7'", '"203.0.113.7"',
    "203.0.113.7/32", "for=203.0.113.7", "203.0.113.7;10.0.0.1", "２０３.0.113.7".encode().decode("latin-1"),
    "a" * 5000, "\xff", "<script>",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_cannot_be_read_ends_the_reading(garbage: str) -> None:
    assert client(garbage) == PROXY
    assert client(f"203.0.113.7, {garbage}, 10.1.2.3") == "10.1.2.3"
    assert client(f"{garbage}, 203.0.113.7, 10.1.2.3") == "203.0.113.7"


def test_a_chain_is_not_followed_for_ever() -> None:
    assert client(", ".join(["203.0.113.7", *["10.1.2.3"] * 100])) == "10.1.2.3"


@given(st.lists(st.ip_addresses().map(str) | st.sampled_from([*GARBAGE, "10.1.2.3", ""]), max_size=8))
def test_nothing_left_of_the_client_matters(nodes: list[str]) -> None:
    found = client(", ".join(nodes))
    ipaddress.ip_address(found)
    for made_up in ("198.51.100.9", "evil", "10.0.0.5"):
        if found not in XFF:
            assert client(", ".join([made_up, *nodes])) == found


@pytest.mark.parametrize(
    ("values", "chain", "scheme", "host"),
    [
        (["for=203.0.113.7"], ("203.0.113.7", PROXY), b"", b""),
        (["for=203.0.113.7;proto=https;host=shop.example"], ("203.0.113.7", PROXY), b"https", b"shop.example"),
        (["For=203.0.113.7 ; PROTO=HTTPS;by=10.0.0.1"], ("203.0.113.7", PROXY), b"https", b""),
        (['for="[2001:db8::7]:51000";host="shop.example:444"'], ("2001:db8::7", PROXY), b"", b"shop.example:444"),
        (['for="203.0.113.7:51000"'], ("203.0.113.7", PROXY), b"", b""),
        (['for="203.0.113.7:_port"'], ("203.0.113.7", PROXY), b"", b""),
        (['for="2\\03.0.113.7"'], ("203.0.113.7", PROXY), b"", b""),
        (["for=198.51.100.1, for=203.0.113.7;proto=https, for=10.1.2.3;proto=http"],
         ("203.0.113.7", "10.1.2.3", PROXY), b"https", b""),
        (["for=203.0.113.7;proto=https", "for=10.1.2.3"], ("203.0.113.7", "10.1.2.3", PROXY), b"https", b""),
        ([", for=203.0.113.7 ,, "], ("203.0.113.7", PROXY), b"", b""),
        (["for=unknown, for=10.1.2.3"], ("10.1.2.3", PROXY), b"", b""),
        (["for=203.0.113.7, for=_hidden"], (PROXY,), b"", b""),
        (["proto=https"], (PROXY,), b"", b""),
        (['for=203.0.113.7;proto=gopher;host="a@b"'], ("203.0.113.7", PROXY), b"", b""),
        (['for="a,for=203.0.113.7"'], (PROXY,), b"", b""),
        (["for=203.0.113.7;secret=x;x=y"], ("203.0.113.7", PROXY), b"", b""),
        # Not as RFC 7239 has it: none of it counts.
        (["for=203.0.113.7;for=198.51.100.1"], (PROXY,), b"", b""),
        (["for=2001:db8::7"], (PROXY,), b"", b""),
        (["for=[2001:db8::7]"], (PROXY,), b"", b""),
        (["for=203.0.113.7 proto=https"], (PROXY,), b"", b""),
        (['for="203.0.113.7'], (PROXY,), b"", b""),
        (["for =203.0.113.7"], (PROXY,), b"", b""),
        (["for= 203.0.113.7"], (PROXY,), b"", b""),
        (["for=203.0.113.7, \xff"], (PROXY,), b"", b""),
        (["203.0.113.7"], (PROXY,), b"", b""),
        (["for=203.0.113.7,,;;="], (PROXY,), b"", b""),
        ([], (PROXY,), b"", b""),
    ],
)  # fmt: skip
def test_the_standard_header_is_read_strictly(
    values: list[str], chain: tuple[str, ...], scheme: bytes, host: bytes
) -> None:
    assert forwarded(*values) == Origin(chain, scheme, host)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    for found in (forwarded(text), forwarded(f"for=203.0.113.7;{text}"), forwarded(f'for="{text}"')):
        ipaddress.ip_address(found.client)
    ipaddress.ip_address(client(text))


def test_each_header_is_only_believed_where_it_is_the_one() -> None:
    lines = [b"X-Forwarded-For: 198.51.100.1", b"Forwarded: for=203.0.113.7"]
    assert XFF.origin(lines, PROXY).client == "198.51.100.1"
    assert STANDARD.origin(lines, PROXY).client == "203.0.113.7"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["X-Forwarded-Proto: https", "X-Forwarded-Host: Shop.Example", "X-Forwarded-Port: 8443"],
         (b"https", b"shop.example", b"8443")),
        (["X-Forwarded-Proto: HTTP", "X-Forwarded-Host: shop.example:80"], (b"http", b"shop.example", b"")),
        (["X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example:443"], (b"https", b"shop.example", b"")),
        (["X-Forwarded-Proto: https, http"], (b"", b"", b"")),
        (["X-Forwarded-Proto: https", "X-Forwarded-Proto: https"], (b"", b"", b"")),
        (["X-Forwarded-Proto: javascript"], (b"", b"", b"")),
        (["X-Forwarded-Host: a, b"], (b"", b"", b"")),
        (["X-Forwarded-Host: evil@shop.example"], (b"", b"", b"")),
        (["X-Forwarded-Port: 0"], (b"", b"", b"")),
        (["X-Forwarded-Port: 65536"], (b"", b"", b"")),
        (["X-Forwarded-Port: 80a"], (b"", b"", b"")),
    ],
)  # fmt: skip
def test_what_a_client_has_asked_for_is_said_once_and_well(lines: list[str], said: tuple[bytes, ...]) -> None:
    assert XFF.origin([line.encode() for line in lines], PROXY)[1:] == said


# Through the gateway: the fake client comes from 203.0.113.9.


def asked(*lines: str, trusted: bool = True, **options: object) -> tuple[str, dict[bytes, bytes]]:
    """Return the address that policies see, and the headers that the service gets."""
    seen: list[str] = []

    def note(context: RequestContext) -> None:
        seen.append(context.client_ip)

    gateway = FakeGateway(Binding("note", Handlers(request_headers=note)))
    gateway.state.proxies = TrustedProxies(["203.0.113.0/24" if trusted else "192.0.2.0/24"], **options)  # type: ignore[arg-type]
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", *lines))
    sent = [line.split(b": ", 1) for line in upstream.take().split(b"\r\n")[1:-2]]
    headers = dict(sent)
    assert len(headers) == len(sent), "a header is there twice"
    return seen[0], headers


LINES = (
    "X-Forwarded-For: evil, 198.51.100.1",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: www.shop.example",
    "X-Forwarded-Port: 443",
    "X-Forwarded-Prefix: /admin",
    "X-Real-IP: 1.2.3.4",
    "Forwarded: for=192.0.2.60",
)


def test_a_trusted_proxy_is_believed() -> None:
    address, headers = asked(*LINES)
    assert address == "198.51.100.1"
    assert headers[b"x-forwarded-for"] == b"198.51.100.1, 203.0.113.9"
    assert headers[b"x-forwarded-proto"] == b"https"
    assert headers[b"x-forwarded-host"] == b"www.shop.example"
    assert headers[b"x-forwarded-port"] == b"443"
    assert not {b"x-forwarded-prefix", b"x-real-ip", b"forwarded"} & headers.keys()


def test_anybody_else_is_not() -> None:
    address, headers = asked(*LINES, trusted=False)
    assert address == "203.0.113.9"
    assert headers[b"x-forwarded-for"] == b"203.0.113.9"
    assert headers[b"x-forwarded-proto"] == b"http"
    assert headers[b"x-forwarded-host"] == b"shop.example"
    assert not {b"x-forwarded-port", b"forwarded"} & headers.keys()


def test_the_standard_header_is_sent_where_it_is_asked_for() -> None:
    _, headers = asked("X-Forwarded-For: 2001:db8::7", send_forwarded=True)
    assert headers[b"forwarded"] == b'for="[2001:db8::7]";proto=http, for=203.0.113.9'


def test_each_request_of_a_connection_has_its_own_client() -> None:
    seen: list[str] = []

    def note(context: RequestContext) -> None:
        seen.append(context.client_ip)

    gateway = FakeGateway(Binding("note", Handlers(request_headers=note)))
    gateway.state.proxies = TrustedProxies(["203.0.113.0/24"])
    upstream, client = gateway.upstream(), gateway.client()
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.2", "", "198.51.100.1"):
        lines = [f"X-Forwarded-For: {address}", f"X-Forwarded-Host: h{address or 0}.example"] if address else []
        client.send(get("/api/x", *lines))
        sent = upstream.take()
        expected = f"{address}, 203.0.113.9" if address else "203.0.113.9"
        assert f"x-forwarded-for: {expected}\r\n".encode() in sent
        assert (
            f"x-forwarded-host: h{address}.example" if address else "x-forwarded-host: shop.example"
        ).encode() in sent
        upstream.answer(OK)
    assert seen == ["198.51.100.1", "198.51.100.1", "198.51.100.2", "203.0.113.9", "198.51.100.1"]
