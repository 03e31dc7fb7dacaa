"""IP allowlist and blocklist: the same ranges, opposite verdicts."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.policies.address_list import AddressSet, read_range
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

ALLOW, BLOCK = "ip-allowlist", "ip-blocklist"
both = pytest.mark.parametrize("name", [ALLOW, BLOCK])


def listed(ips: list[str], address: str) -> bool:
    """Tell whether an address is on a list, asking both policies."""
    allowed = policy_case(ALLOW, {"ips": ips}).send(request(client_ip=address))
    blocked = policy_case(BLOCK, {"ips": ips}).send(request(client_ip=address))
    assert (allowed is None) is (blocked is not None)
    return allowed is None


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"], ["203.0.113.6", "203.0.113.8"]),
        ("192.168.3.1/30", ["192.168.3.0", "192.168.3.3"], ["192.168.2.255", "192.168.3.4"]),
        ("192.168", ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]),
        ("192.168.", ["192.168.7.1"], ["192.169.0.0"]),
        ("10", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
        ("10.20.30", ["10.20.30.255"], ["10.20.31.0"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::1", "2001:db8::1"]),
        ("2001:db8::/32", ["2001:db8::", "2001:DB8:ffff::1"], ["2001:db9::", "32.1.13.184"]),
        ("2001:db8::7", ["2001:db8::7", "2001:db8:0:0:0:0:0:7"], ["2001:db8::8"]),
        ("::/0", ["::1", "2001:db8::1"], ["127.0.0.1"]),
        ("::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"], ["11.0.0.0"]),
        (" 203.0.113.7 ", ["203.0.113.7"], ["203.0.113.8"]),
    ],
)
def test_an_entry_covers_its_addresses_and_no_others(entry: str, inside: list[str], outside: list[str]) -> None:
    assert [address for address in inside if not listed([entry], address)] == []
    assert [address for address in outside if listed([entry], address)] == []


def test_refusals_are_403_with_a_code_of_their_own() -> None:
    for name, address, code in ((ALLOW, "192.0.2.2", "ip_not_allowed"), (BLOCK, "192.0.2.1", "ip_blocked")):
        refused = policy_case(name, {"ips": ["192.0.2.1"]}).send(request(client_ip=address))
        assert refused is not None
        assert (refused.status, refused.code, refused.policy) == (403, code, name)


@both
@pytest.mark.parametrize("expression", ["#[attributes.headers['x-forwarded-for']]", "#[attributes.remoteAddress]"])
def test_the_address_that_the_gateway_sees_counts_and_not_what_the_caller_says(name: str, expression: str) -> None:
    case = policy_case(name, {"ips": ["192.0.2.1"], "ipExpression": expression})
    claims_to_be_listed = request(headers={"x-forwarded-for": "192.0.2.1"}, client_ip="198.51.100.1")
    assert (case.send(claims_to_be_listed) is None) is (name == BLOCK)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.1", True),
        ("192.0.2.1, 198.51.100.1", True),
        (" 192.0.2.1 ,x", True),
        ("::ffff:192.0.2.1", True),
        ("198.51.100.1, 192.0.2.1", False),
    ],
)
def test_the_first_address_of_another_header_counts(value: str, expected: bool) -> None:
    config = {"ips": ["192.0.2.1"], "ipExpression": '#[ attributes.headers["x-caller"] ]'}
    context = request(headers={"x-caller": value}, client_ip="198.51.100.1")
    assert (policy_case(ALLOW, config).send(context) is None) is expected
    assert (policy_case(BLOCK, config).send(context) is not None) is expected


def test_any_expression_can_say_where_the_address_is() -> None:
    config = {"ips": ["192.0.2.1"], "ipExpression": "#[attributes.headers['x-a'] default attributes.headers['x-b']]"}
    for headers, passes in (({"x-a": "192.0.2.1"}, True), ({"x-b": "192.0.2.1, x"}, True), ({"x-b": "x"}, False)):
        assert (policy_case(ALLOW, config).send(request(headers=headers)) is None) is passes


@both
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-caller", "")],
        [("x-caller", "unknown")],
        [("x-caller", "192.0.2.1:443")],
        [("x-caller", "192.0.2.01")],
        [("x-caller", "192.0.2")],
        [("x-caller", "1.2.3.4.5")],
        [("x-caller", "0x7f.1")],
        [("x-caller", "2130706433")],
        [("x-caller", "[2001:db8::1]")],
        [("x-caller", "fe80::1%eth0")],
        [("x-caller", "192.0.2.1\0")],
        [("x-caller", "\xb2")],
        [("x-caller", ",192.0.2.1")],
        [("x-caller", "192.0.2.1"), ("x-caller", "192.0.2.1")],
    ],
    ids=repr,
)
def test_an_address_that_cannot_be_read_is_refused(name: str, headers: list[tuple[str, str]]) -> None:
    case = policy_case(name, {"ips": ["0.0.0.0/0"], "ipExpression": "#[attributes.headers['x-caller']]"})
    assert case.send(request(headers=headers)) is not None


@both
def test_a_caller_without_an_address_is_refused(name: str) -> None:
    assert policy_case(name, {"ips": ["192.0.2.1"]}).send(request(client_ip="")) is not None


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: f"{pair[0]}/{pair[1]}")


@settings(deadline=None)
@given(st.lists(NETWORKS, max_size=30), st.lists(ADDRESSES, max_size=30))
def test_look_up_agrees_with_asking_every_network(networks: list[str], addresses: list) -> None:
    found = AddressSet(map(read_range, networks))
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]
    edges = [edge for network in parsed for edge in (network.network_address, network.broadcast_address)]
    for address in (*addresses, *edges):
        plain = getattr(address, "ipv4_mapped", None) or address
        mapped = ipaddress.ip_address(f"::ffff:{plain}") if plain.version == 4 else plain
        # A range inside ::ffff:0:0/96 stands for IPv4 addresses; one around it does not.
        expected = any(
            plain in network or (network.version == 6 and network.prefixlen >= 96 and mapped in network)
            for network in parsed
        )
        assert found.holds(str(address)) is expected


def test_many_neighbours_become_few_ranges() -> None:
    assert len(AddressSet(read_range(f"10.0.0.{n}") for n in (*range(10), 5, 5))) == 10
    assert len(AddressSet(map(read_range, ["10", "10.0.0.1", "10.255.255.255", "2001:db8::/32", "2001:db8::1"]))) == 2


@both
@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ({}, "ips", "required"),
        ({"ips": []}, "ips", "length"),
        ({"ips": ["1.2.3.4", "example.org"]}, "", "“example.org” is not an address"),
        ({"ips": ["1.2.3.256"]}, "", "“1.2.3.256” is not"),
        ({"ips": ["300"]}, "", "“300” is not"),
        ({"ips": ["1.2.3.4/33"]}, "", "“1.2.3.4/33” is not"),
        ({"ips": ["1.2.3.4/255.255.255.0"]}, "", "is not an address"),
        ({"ips": ["1.2.3.4/"]}, "", "is not an address"),
        ({"ips": ["1.2.3.4-1.2.3.9"]}, "", "is not an address"),
        ({"ips": ["010.1.1.1"]}, "", "is not an address"),
        ({"ips": ["fe80::1%1"]}, "", "is not an address"),
        ({"ips": ["*"]}, "", "is not an address"),
        ({"ips": ["1.1.1.1"], "ipExpression": "#[payload.ip]"}, "ipExpression", "evaluated without the body"),
        ({"ips": ["1.1.1.1"], "ipExpression": "x-forwarded-for"}, "ipExpression", "takes an expression"),
        ({"ips": ["1.1.1.1"], "ipExpression": ""}, "ipExpression", "length"),
    ],
)
def test_unusable_settings_are_refused(name: str, config: dict, path: str, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(name, config)
    assert caught.value.path == path
    assert words in caught.value.message
