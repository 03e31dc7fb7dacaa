"""What a header name means to a proxy: forward it, act on it, or never let it pass.

A name is classified when it is first seen and remembered by its exact spelling, so the hot path is one dictionary
look-up a line. The memory is bounded; past it, names are classified each time.
"""

import re
from functools import lru_cache

# What to do with a header. Plain numbers: looking a member of an enum up costs as much as reading the header.
# PASS is zero, so that the common case is a truth test.
PASS, DROP, HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, EXPECT, REQUEST_ID, ONCE = range(9)
# These are rare: they are set aside and read after the others, so that requests without them pay nothing.
UPGRADE, VIA, TRACE, FORWARDED, TRACE_TOKEN = range(9, 14)
SET_ASIDE = UPGRADE

# Meaningful between two neighbours only (RFC 9110 section 7.6.1).
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
# The two halves of a WebSocket handshake that prove each other (RFC 6455 section 4).
HANDSHAKE = frozenset({b"sec-websocket-accept", b"sec-websocket-key", b"sec-websocket-version"})
# What frames the message or names its receiver: written by the gateway, never by a policy or by `Connection`.
FRAMING = frozenset({b"content-length", b"host", b"expect"}) | HOP_BY_HOP | HANDSHAKE

# What says something about the bytes of a body, which is wrong once there are others.
CONTENT_DIGESTS = frozenset({b"content-digest", b"content-md5", b"digest", b"repr-digest"})

_ACTED_ON = {
    b"connection": CONNECTION,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"host": HOST,
    b"expect": EXPECT,
    b"x-request-id": REQUEST_ID,
    # Twice would let the policy read one and the service the other.
    b"authorization": ONCE,
    b"upgrade": UPGRADE,
    b"sec-websocket-key": UPGRADE,
    b"sec-websocket-version": UPGRADE,
    b"via": VIA,
    b"traceparent": TRACE,
    b"tracestate": TRACE,
    b"baggage": TRACE,
    b"x-portico-trace": TRACE_TOKEN,
}
# Who the caller is, as a proxy says it: believed where the proxy is trusted, else dropped.
_FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto"}
)
_REQUEST_DROPPED = HOP_BY_HOP | HANDSHAKE | {
    b"http2-settings", b"proxy-authenticate", b"proxy-authorization",
    # Who the caller is and where it comes from is said by the gateway alone.
    b"cf-connecting-ip", b"client-cert", b"client-cert-chain", b"fastly-client-ip", b"forwarded", b"true-client-ip",
    b"x-client-cert", b"x-client-ip", b"x-cluster-client-ip", b"x-original-forwarded-for", b"x-real-ip",
    # Frameworks let these replace the method or the path that the policies have judged.
    b"x-http-method", b"x-http-method-override", b"x-method-override", b"x-original-uri", b"x-original-url",
    b"x-rewrite-url",
    # Some servers turn it into the environment variable HTTP_PROXY.
    b"proxy",
}  # fmt: skip
_REQUEST_PREFIXES = (
    b"x-consumer-", b"x-portico-", b"x-forwarded-", b"x-envoy-",
    # What policies tell the service of a token.
    b"x-agw-",
    # What other proxies call the certificate of a client.
    b"ssl-client", b"x-amzn-mtls-", b"x-arr-clientcert", b"x-client-cert", b"x-ssl-", b"x-tls-client",
)  # fmt: skip
_RESPONSE_DROPPED = HOP_BY_HOP | HANDSHAKE | {b"proxy-authenticate", b"http2-settings", b"alt-svc"}

# The documented names of client credentials; the policy that reads them takes what could pose as them away.
WITH_UNDERSCORE = frozenset({b"client_id", b"client_secret"})

_is_plain = re.compile(rb"[a-z0-9-]+").fullmatch

_LIMIT = 4096
_LONGEST = 64


class _Names(dict[bytes, int]):
    """Remembers the kind of each spelling of a name."""

    __slots__ = ()

    def __missing__(self, spelling: bytes) -> int:
        kind = self.kind(spelling.lower())
        if len(self) < _LIMIT and len(spelling) <= _LONGEST:
            self[spelling] = kind
        return kind

    def kind(self, name: bytes) -> int:
        """Classify a lower-case name."""
        raise NotImplementedError


class _RequestNames(_Names):
    __slots__ = ()

    def kind(self, name: bytes) -> int:
        if name in _ACTED_ON:
            return _ACTED_ON[name]
        # Servers that make variables of headers cannot tell `_`, and some no other sign, from `-`: a name with one can
        # pose as another.
        if _is_plain(name) is None and name not in WITH_UNDERSCORE:
            return DROP
        return DROP if name in _REQUEST_DROPPED or name.startswith(_REQUEST_PREFIXES) else PASS


class _TrustedNames(_RequestNames):
    __slots__ = ()

    def kind(self, name: bytes) -> int:
        return FORWARDED if name in _FORWARDED else super().kind(name)


class _ResponseNames(_Names):
    __slots__ = ()

    def kind(self, name: bytes) -> int:
        if name in (b"connection", b"content-length", b"transfer-encoding", b"x-request-id"):
            return _ACTED_ON[name]
        return DROP if name in _RESPONSE_DROPPED else PASS


REQUEST_NAMES: dict[bytes, int] = _RequestNames()
# For connections from a trusted proxy.
TRUSTED_NAMES: dict[bytes, int] = _TrustedNames()
RESPONSE_NAMES: dict[bytes, int] = _ResponseNames()


def connection_options(value: bytes) -> frozenset[bytes]:
    """Return the lower-case options of all `Connection` headers of a message, joined by commas."""
    # Long values are not remembered: a client that thinks up ever new ones would fill the memory.
    return _remembered_options(value) if len(value) <= _LONGEST else _read_options(value)


@lru_cache(maxsize=256)
def _remembered_options(value: bytes) -> frozenset[bytes]:
    return _read_options(value)


def _read_options(value: bytes) -> frozenset[bytes]:
    return frozenset(option.strip(b" \t").lower() for option in value.split(b",")) - {b""}
