"""The token that asks a gateway to trace a request: signed by the portal, for one API, for a few minutes.

It is checked with the key that revisions are checked with, so that a gateway asks nobody.
"""

import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable

import msgspec

HEADER = "X-Portico-Trace"
LONGEST_TOKEN = 512
LONGEST_SECONDS = 3_600
# What a revision is signed over begins with its gateway's id, so that neither can stand for the other.
_PREFIX = b"portico-trace\n"
_KNOWN = 64
# Checking a signature takes as long as several requests do: made-up tokens get no further than this each second.
CHECKS_PER_SECOND = 20


class TraceGrant(msgspec.Struct, frozen=True, array_like=True):
    """What a token allows: to trace requests to one API of one gateway until a time, in seconds since the epoch."""

    id: str
    gateway: str
    api: str
    until: int


def trace_token(grant: TraceGrant, signing_key: str) -> str:
    """Return the token of a grant."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    said = msgspec.msgpack.encode(grant)
    signature = Ed25519PrivateKey.from_private_bytes(b64decode(signing_key)).sign(_PREFIX + said)
    return f"{_text(said)}.{_text(signature)}"


class TraceTokens:
    """Reads the tokens that requests bring to one gateway. Never raises: a bad token says nothing."""

    def __init__(self, gateway: str, verify_key: str, now: Callable[[], float] = time.time) -> None:
        self._gateway = gateway
        self._now = now
        self._verify_key = b64decode(verify_key)
        self._known: OrderedDict[bytes, TraceGrant] = OrderedDict()
        self._second = 0
        self._checks = 0

    def read(self, token: bytes, api: str) -> TraceGrant | None:
        """Return what a token allows for an API now; None for one that allows nothing."""
        grant = self._known.get(token) or self._check(token)
        if grant is None or grant.api != api or grant.until <= self._now():
            return None
        return grant

    def _check(self, token: bytes) -> TraceGrant | None:
        if not self._verify_key or len(token) > LONGEST_TOKEN or not self._may_check():
            return None
        said, _, signature = token.partition(b".")
        try:
            data = _bytes(said)
            grant = msgspec.msgpack.decode(data, type=TraceGrant)
            if grant.gateway != self._gateway:
                return None
            signed = _is_signed(data, _bytes(signature), self._verify_key)
        except (Base64Error, ValueError):
            return None
        if not signed:
            return None
        self._known[token] = grant
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return grant

    def _may_check(self) -> bool:
        second = int(self._now())
        if second != self._second:
            self._second, self._checks = second, 0
        self._checks += 1
        return self._checks <= CHECKS_PER_SECOND


def _is_signed(said: bytes, signature: bytes, verify_key: bytes) -> bool:
    # Only workers that get a token need the library.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(verify_key).verify(signature, _PREFIX + said)
    except InvalidSignature:
        return False
    return True


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
