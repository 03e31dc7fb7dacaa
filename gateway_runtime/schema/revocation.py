"""How a gateway is told that its registrations have ended: in Redis, signed by the portal, for nobody else.

Only the portal can make one, so nobody who may write to Redis can put a gateway out of service.
"""

from base64 import b64decode

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# What is signed begins with this, so that no other signature of the same key can stand for one.
_PREFIX = b"portico-revocation\n"
# The exit status of a gateway that was revoked. Not one to be started again after.
EXIT_STATUS = 77


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """The registrations of a gateway up to this number are good for nothing. `at` is seconds since the epoch."""

    gateway: str
    up_to: int
    at: float


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    said: bytes
    signature: bytes


def sign_revocation(revocation: Revocation, signing_key: str) -> bytes:
    """Return a revocation as it is put into Redis."""
    said = msgspec.msgpack.encode(revocation)
    signature = Ed25519PrivateKey.from_private_bytes(b64decode(signing_key)).sign(_PREFIX + said)
    return msgspec.msgpack.encode(_Signed(said, signature))


def read_revocation(data: bytes, *, gateway: str, verify_key: str) -> Revocation | None:
    """Return a revocation that the portal has made for this gateway; None for anything else. Never raises."""
    try:
        signed = msgspec.msgpack.decode(data, type=_Signed)
        Ed25519PublicKey.from_public_bytes(b64decode(verify_key)).verify(signed.signature, _PREFIX + signed.said)
        found = msgspec.msgpack.decode(signed.said, type=Revocation)
    except (msgspec.MsgspecError, InvalidSignature, ValueError):
        return None
    return found if found.gateway == gateway else None
