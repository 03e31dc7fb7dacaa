"""Reading keys: from the text of a setting, and out of JSON Web Key Sets.

Imported where a key is read, because only workers that check tokens need the libraries.
"""

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway_runtime.policies.jwt_keys import SigningKey

RSA_BITS = range(2048, 8193)
# The curve that belongs to an algorithm (RFC 7518 section 3.4).
CURVES: dict[str, Any] = {"ES256": SECP256R1, "ES384": SECP384R1}
CURVE_NAMES = {"ES256": "P-256", "ES384": "P-384"}
# RFC 7518 section 3.2: a key as long as the digest, at least.
SECRET_LENGTHS = {"HS256": 32, "HS384": 48, "HS512": 64}

_armour = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
_whole = re.compile(r"[A-Za-z0-9+/=\s]+").fullmatch


def text_key(text: str, algorithm: str) -> SigningKey:
    """Return the key of a setting. Raises `ValueError` with a sentence that does not quote it."""
    if algorithm.startswith("HS"):
        return _secret(text, algorithm)
    bare = _armour.sub("", text)
    if "PRIVATE" in text:
        raise ValueError("This is a private key. Give the public one: a gateway only checks signatures")
    try:
        if not _whole(bare):
            raise ValueError("no Base64")
        loaded = load_der_public_key(b64decode("".join(bare.split()), validate=True))
    except (ValueError, Base64Error, UnsupportedAlgorithm):
        raise ValueError("This is not a public key in PEM form, without its first and last line") from None
    if algorithm.startswith("RS"):
        if not isinstance(loaded, RSAPublicKey):
            raise ValueError("This is not an RSA public key")
        if loaded.key_size not in RSA_BITS:
            raise ValueError(f"An RSA key has 2048 to 8192 bits, this one has {loaded.key_size}")
        return SigningKey(None, RSAKey.import_key(_pem(loaded)), algorithm)
    if not isinstance(loaded, EllipticCurvePublicKey) or not isinstance(loaded.curve, CURVES[algorithm]):
        raise ValueError(f"This is not a public key on the curve {CURVE_NAMES[algorithm]}, which {algorithm} needs")
    return SigningKey(None, ECKey.import_key(_pem(loaded)), algorithm)


def _pem(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _secret(text: str, algorithm: str) -> SigningKey:
    if _is_public_key(text):
        # Who has the public key could sign with it.
        raise ValueError("This is a public key. A secret of your own is needed for HMAC")
    if len(text.encode()) < SECRET_LENGTHS[algorithm]:
        raise ValueError(f"A secret for {algorithm} has at least {SECRET_LENGTHS[algorithm]} characters")
    return SigningKey(None, OctKey.import_key(text.encode()), algorithm)


def _is_public_key(text: str) -> bool:
    """Tell whether a text is what identity providers publish, in any of its forms."""
    if "-----BEGIN" in text or text.startswith("ssh-"):
        return True
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and not {"kty", "keys"}.isdisjoint(document):
        return True
    try:
        load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, Base64Error, UnsupportedAlgorithm):
        return False
    return True


def usable_keys(keys: list[dict[str, Any]], algorithm: str) -> tuple[SigningKey, ...]:
    """Return those keys of a set that may sign with an algorithm. What cannot be read is passed over."""
    found = []
    for key in keys:
        try:
            made = _from_set(key, algorithm)
        except (ValueError, TypeError, KeyError, OverflowError, JoseError, UnsupportedAlgorithm):
            continue
        if made is not None:
            found.append(made)
    return tuple(found)


def _from_set(key: dict[str, Any], algorithm: str) -> SigningKey | None:
    kid = key.get("kid")
    if not isinstance(kid, str | None) or key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return None
    operations = key.get("key_ops")
    if operations is not None and "verify" not in operations:
        return None
    # Only the public members are looked at, whatever else has been published.
    if algorithm.startswith("RS") and key.get("kty") == "RSA":
        # Reading a number takes longer the longer it is, so it is measured first: six bits a letter.
        if not RSA_BITS.start // 6 <= len(key["n"]) <= RSA_BITS.stop // 6 + 4 or len(key["e"]) > 11:
            return None
        rsa = RSAKey.import_key({"kty": "RSA", "n": key["n"], "e": key["e"]})
        return SigningKey(kid, rsa, algorithm) if rsa.public_key.key_size in RSA_BITS else None
    if algorithm.startswith("ES") and key.get("kty") == "EC" and key.get("crv") == CURVE_NAMES[algorithm]:
        made = ECKey.import_key({"kty": "EC", "crv": key["crv"], "x": key["x"], "y": key["y"]})
        return SigningKey(kid, made, algorithm)
    return None
