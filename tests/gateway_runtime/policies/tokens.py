"""Tokens as an identity provider signs them, and as an attacker would like to."""

import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SECRET = "a-secret-of-64-characters-that-is-long-enough-for-every-digest!!"
DIGESTS: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES: dict[str, Any] = {"256": ec.SECP256R1, "384": ec.SECP384R1, "512": ec.SECP521R1}


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int | None = None) -> str:
    return b64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


@cache
def rsa_key(name: str = "first", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(length: str = "256", name: str = "first") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[length]())


def spki(private: Any) -> bytes:
    """Return the public key in DER."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.DER, form)


def pem_text(private: Any) -> str:
    """Return the public key as the setting wants it: PEM without its first and last line."""
    text = b64encode(spki(private)).decode()
    return "\n".join(text[start : start + 64] for start in range(0, len(text), 64))


def rsa_jwk(private: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
    numbers = private.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **more}


def ec_jwk(private: ec.EllipticCurvePrivateKey, curve: str = "P-256", **more: Any) -> dict[str, Any]:
    numbers = private.public_key().public_numbers()
    size = (private.key_size + 7) // 8
    return {"kty": "EC", "crv": curve, "x": number(numbers.x, size), "y": number(numbers.y, size), **more}


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def signature(algorithm: str, key: Any, data: bytes) -> bytes:
    kind, length = algorithm[:2], algorithm[2:]
    if kind == "HS":
        secret = key if isinstance(key, bytes) else key.encode()
        return hmac.new(secret, data, getattr(hashlib, f"sha{length}")).digest()
    digest = DIGESTS[length]()
    if kind == "RS":
        return key.sign(data, padding.PKCS1v15(), digest)
    if kind == "PS":
        return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def token(
    claims: dict[str, Any] | bytes, key: Any = SECRET, algorithm: str = "HS256", header: Any = None, **named: Any
) -> str:
    """Return a signed token. `claims` and `header` may be bytes that stand there as they are."""
    head = {"alg": algorithm, "typ": "JWT", **named} if header is None else header
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, claims)]
    text = ".".join(b64url(part) for part in parts)
    return f"{text}.{b64url(signature(algorithm, key, text.encode()))}"
