"""How a revision travels: encrypted for one gateway, signed by the portal, numbered so that an old one is refused."""

import os
from base64 import b64decode, b64encode
from contextlib import suppress

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class EnvelopeError(Exception):
    """The envelope is not one this gateway may use. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed revision. `digest` is the SHA-256 of the plain document, `created_at` seconds since the epoch."""

    gateway: str
    revision: int
    digest: str
    created_at: float
    payload: bytes
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """Return what the signature covers: everything but the signature."""
        head = f"{self.gateway}\n{self.revision}\n{self.digest}\n{self.created_at!r}\n"
        return head.encode() + self.payload


class GatewayKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway holds to open its revisions, each as base64: an Ed25519 public key and AES-256 keys.

    `previous` are those before the last renewals: what was sealed then can still be there.
    """

    verify: str
    encrypt: str
    previous: list[str] = []


def new_encrypt_key() -> str:
    """Return a new AES-256 key (base64)."""
    return b64encode(AESGCM.generate_key(256)).decode()


def new_keys() -> tuple[str, GatewayKeys]:
    """Return a new signing key (base64, stays in the portal) and the keys for the gateway."""
    signing = Ed25519PrivateKey.generate()
    keys = GatewayKeys(
        verify=b64encode(signing.public_key().public_bytes_raw()).decode(),
        encrypt=new_encrypt_key(),
    )
    return b64encode(signing.private_bytes_raw()).decode(), keys


def seal(
    document: bytes, *, gateway: str, revision: int, digest: str, created_at: float, signing_key: str, encrypt_key: str
) -> bytes:
    """Encrypt (AES-256-GCM) and sign (Ed25519) an encoded document. Return the envelope as msgpack."""
    nonce = os.urandom(NONCE_BYTES)
    payload = nonce + AESGCM(b64decode(encrypt_key)).encrypt(nonce, document, gateway.encode())
    unsigned = Envelope(gateway=gateway, revision=revision, digest=digest, created_at=created_at, payload=payload)
    signature = Ed25519PrivateKey.from_private_bytes(b64decode(signing_key)).sign(unsigned.signed_bytes())
    return msgspec.msgpack.encode(msgspec.structs.replace(unsigned, signature=signature))


def unseal(data: bytes, *, gateway: str, keys: GatewayKeys) -> tuple[Envelope, bytes]:
    """Check and decrypt an envelope. Return it with the encoded document.

    Raises `EnvelopeError` with code `envelope_unreadable`, `envelope_wrong_gateway` or `envelope_bad_signature`.
    """
    try:
        envelope = msgspec.msgpack.decode(data, type=Envelope)
    except msgspec.MsgspecError as error:
        raise EnvelopeError("envelope_unreadable", f"The revision cannot be read: {error}.") from error
    if envelope.gateway != gateway:
        raise EnvelopeError("envelope_wrong_gateway", "The revision was made for another gateway.")
    try:
        Ed25519PublicKey.from_public_bytes(b64decode(keys.verify)).verify(envelope.signature, envelope.signed_bytes())
        return envelope, _decrypted(envelope.payload, gateway, keys)
    except (InvalidSignature, InvalidTag) as error:
        raise EnvelopeError(
            "envelope_bad_signature", "The revision was not signed by this gateway's portal."
        ) from error


def _decrypted(payload: bytes, gateway: str, keys: GatewayKeys) -> bytes:
    """Return what one of the keys opens. Raises `InvalidTag` where none does."""
    nonce, sealed = payload[:NONCE_BYTES], payload[NONCE_BYTES:]
    for key in keys.previous:
        with suppress(InvalidTag):
            return AESGCM(b64decode(key)).decrypt(nonce, sealed, gateway.encode())
    return AESGCM(b64decode(keys.encrypt)).decrypt(nonce, sealed, gateway.encode())
