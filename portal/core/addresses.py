"""What a host name or address in a URL really means, and whether it is inside our own networks."""

import ipaddress
import re
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names that never leave the machine or the cloud's own network, whatever a resolver says.
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
# The forms inet_aton takes besides the usual one: decimal, hexadecimal, octal, fewer than four parts.
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\Z", re.IGNORECASE)
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?\Z")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_host(text: str) -> bool:
    """Tell whether `text` is a host name or an address (IPv6 without brackets), and nothing more."""
    if ":" in text:
        return isinstance(literal_address(text), ipaddress.IPv6Address)
    return len(text) <= 253 and _HOST.match(text) is not None


def literal_address(host: str) -> Address | None:
    """Return the address that `host` spells, in any form a resolver would take (`2130706433`, `0x7f.1`), or None."""
    host = host.strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if _NUMBERS.match(host):
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return None


def is_private_address(address: Address) -> bool:
    """Tell whether an address is anything but an ordinary public one: loopback, private, link-local, metadata, …"""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_private_address(inside)
    return not address.is_global or address.is_multicast or address.is_reserved


def is_private_host(host: str) -> bool:
    """Tell whether a host, without asking a resolver, names something inside our own networks."""
    address = literal_address(host)
    if address is not None:
        return is_private_address(address)
    name = host.rstrip(".").lower()
    return any(name == private or name.endswith(f".{private}") for private in _PRIVATE_NAMES)
