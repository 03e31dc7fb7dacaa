"""What the IP allowlist and blocklist share: settings, ranges, whose address they look at, and the check itself."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from ipaddress import IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Annotated

from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.selectors import selected_header, selects_remote_address
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import Handlers, PolicyConfig, setting

MAPPED = b"\0" * 10 + b"\xff\xff"
# The gateway takes this header away from callers and writes it itself, so it says what the caller's address is.
FORWARDED_FOR = "#[attributes.headers['x-forwarded-for']]"
ADDRESS = ExpressionSetting(gives=Gives.STRING)

_leading_octets = re.compile(r"(?:\d{1,3}\.){0,2}\d{1,3}\.?").fullmatch

Range = tuple[bytes, bytes]


class AddressListConfig(PolicyConfig, frozen=True):
    """The addresses, and where the caller's is found."""

    ips: Annotated[
        list[
            Annotated[str, setting("Address", "One address or range.", min_length=1, max_length=60)]
        ],
        setting(
            "IP addresses",
            "Single addresses, CIDR ranges such as 192.168.3.0/24, or leading octets such as 192.168; IPv4 and IPv6.",
            min_length=1,
            max_length=100_000,
            placeholder="192.168.3.0/24",
        ),
    ]  # fmt: skip
    ip_expression: Annotated[
        str,
        expression(
            "IP expression",
            "Where the caller's address is found. As it stands: the address that the gateway sees, which callers "
            "cannot choose.",
            ADDRESS,
            min_length=1,
        ),
    ] = FORWARDED_FOR

    def __post_init__(self) -> None:
        for entry in self.ips:
            read_range(entry)


def read_range(entry: str) -> Range:
    """Return the first and the last address of an entry, packed. Raises `ValueError`.

    An IPv6 range inside ::ffff:0:0/96 is the IPv4 range that it stands for (RFC 4291 section 2.5.5.2).
    """
    text = entry.strip()
    try:
        if _leading_octets(text):
            octets = text.removesuffix(".").split(".")
            text = f"{'.'.join(octets + ['0'] * (4 - len(octets)))}/{8 * len(octets)}"
        address, slash, length = text.partition("/")
        if "%" in address or (slash and not (length.isascii() and length.isdecimal())):
            raise ValueError(entry)
        network = ip_network(text, strict=False)
    except ValueError:
        message = f"“{entry}” is not an address, a CIDR range such as 192.168.3.0/24, or leading octets such as 192.168"
        raise ValueError(message) from None
    first, last = network.network_address.packed, network.broadcast_address.packed
    if isinstance(network, IPv6Network) and network.prefixlen >= 96 and first.startswith(MAPPED):
        return first[12:], last[12:]
    return first, last


class AddressSet:
    """Ranges of addresses, merged and sorted, so that a look-up is one bisection."""

    __slots__ = ("_ends", "_ends6", "_starts", "_starts6")

    def __init__(self, ranges: Iterable[Range]) -> None:
        found = list(ranges)
        self._starts, self._ends = _merged(pair for pair in found if len(pair[0]) == 4)
        self._starts6, self._ends6 = _merged(pair for pair in found if len(pair[0]) == 16)

    def holds(self, address: str) -> bool:
        """Tell whether an address is in one of the ranges. Raises `OSError` or `ValueError` when it is none."""
        if ":" in address:
            packed = inet_pton(AF_INET6, address)
            if not packed.startswith(MAPPED):
                place = bisect_right(self._starts6, packed)
                return place > 0 and packed <= self._ends6[place - 1]
            packed = packed[12:]
        else:
            packed = inet_pton(AF_INET, address)
        place = bisect_right(self._starts, packed)
        return place > 0 and packed <= self._ends[place - 1]

    def __len__(self) -> int:
        return len(self._starts) + len(self._starts6)


def _merged(ranges: Iterable[Range]) -> tuple[list[bytes], list[bytes]]:
    """Return starts and ends of disjoint ranges in order. The last range to begin at or before an address decides."""
    starts: list[bytes] = []
    ends: list[bytes] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends


def address_reader(source: str) -> Callable[[RequestContext], str] | None:
    """Return what reads the caller's address, None for the one that the gateway sees.

    What is read is empty where the expression gives no text: a header that is absent or there twice, for one.
    """
    if selects_remote_address(source) or selected_header(source) == b"x-forwarded-for":
        return None
    evaluate = compile_for(ADDRESS, source).evaluate

    def read(context: RequestContext) -> str:
        value = evaluate(context)
        return value.partition(",")[0].strip(" \t") if type(value) is str else ""

    return read


def address_handlers(config: AddressListConfig, runtime: PolicyRuntime, code: str, *, inside: bool) -> Handlers:
    """Return what lets a request pass only where the caller's address is readable, and `inside` the list or not.

    The ranges are sorted once; a request is one bisection.
    """
    holds = AddressSet(map(read_range, config.ips)).holds
    read = address_reader(config.ip_expression)
    refused = runtime.refusal(code)

    def check(context: RequestContext) -> Response | None:
        try:
            passes = holds(context.client_ip if read is None else read(context)) is inside
        except (OSError, ValueError):
            return refused
        return None if passes else refused

    return Handlers(request_headers=check)
