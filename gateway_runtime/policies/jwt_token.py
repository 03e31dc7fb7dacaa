"""One signed token (RFC 7515, RFC 7519): read strictly, its signature checked with a key that the gateway has chosen.

Nothing in a token says which key or which algorithm is right: it may only name one of the keys that are there.
"""

import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from gateway_runtime.policies.jwt_keys import SigningKey, strict_json

TOKEN_LIMIT = 16 * 1024
TRIALS = 8
NEVER = math.inf

_compact = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)").fullmatch


class Unacceptable(Exception):
    """A token is refused. `code` is the reason code of the refusal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnknownKey(Unacceptable):
    """The token names a key that is not there. A newer key set may have it."""

    def __init__(self) -> None:
        super().__init__("jwt_key_unknown")


class Token(NamedTuple):
    """A token that has been read and not yet been verified. `type` is what its header says it is, in lower case."""

    algorithm: str
    type: str
    kid: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def _decoded(part: bytes) -> bytes:
    """Decode Base64url that is written in the one canonical way, so that a token has one spelling."""
    decoded = urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise ValueError("not canonical")
    return decoded


def read_token(token: bytes, algorithms: Collection[str]) -> Token:
    """Read a compact token that says it is signed with one of the algorithms. Raises `Unacceptable`."""
    found = _compact(token) if len(token) <= TOKEN_LIMIT else None
    if found is None:
        raise Unacceptable("jwt_malformed")
    try:
        header, claims = strict_json(_decoded(found[1])), strict_json(_decoded(found[2]))
        signature = _decoded(found[3])
    except ValueError:
        raise Unacceptable("jwt_malformed") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unacceptable("jwt_malformed")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise Unacceptable("jwt_algorithm")
    kid = header.get("kid")
    # Extensions that must be understood are not (RFC 7515 section 4.1.11), nor unencoded payloads (RFC 7797).
    if "crit" in header or "b64" in header or not isinstance(kid, str | None):
        raise Unacceptable("jwt_malformed")
    kind = header.get("typ")
    kind = kind.lower().removeprefix("application/") if isinstance(kind, str) else ""
    return Token(algorithm, kind, kid, claims, token[: found.end(2)], signature)


class Verifier:
    """Checks signatures of a few algorithms."""

    __slots__ = ("_algorithms", "_failures")

    def __init__(self, algorithms: Iterable[str]) -> None:
        # Only workers with such a policy need the libraries.
        from cryptography.exceptions import InvalidSignature
        from joserfc.errors import JoseError
        from joserfc.jws import JWSRegistry

        self._failures = ValueError, JoseError, InvalidSignature
        self._algorithms = {name: JWSRegistry(algorithms=[name]).get_alg(name) for name in algorithms}

    def verify(self, token: Token, keys: Sequence[SigningKey]) -> None:
        """Check a signature with the key that the token names, or with each where it or the key has no name.

        Raises `Unacceptable`; `UnknownKey` where none of the keys can be meant.
        """
        meant = [
            each.key
            for each in keys
            if each.algorithm == token.algorithm and (each.kid == token.kid or each.kid is None or token.kid is None)
        ]
        if not meant:
            raise UnknownKey
        # Every trial costs; who sends no name of a key must not buy a hundred of them.
        meant = meant[:TRIALS]
        algorithm = self._algorithms[token.algorithm]
        for key in meant:
            try:
                if algorithm.verify(token.signed, token.signature, key):
                    return
            except self._failures:
                continue
        raise Unacceptable("jwt_signature")


def lifetime(claims: dict[str, Any], *, exp_needed: bool, nbf_needed: bool) -> tuple[float, float]:
    """Return from when until when a token is good, in seconds since 1970. Raises `Unacceptable`."""
    not_before = _time(claims, "nbf", nbf_needed, -NEVER)
    expires = _time(claims, "exp", exp_needed, NEVER)
    return not_before, expires


def _time(claims: dict[str, Any], name: str, needed: bool, otherwise: float) -> float:
    if name not in claims:
        if needed:
            raise Unacceptable("jwt_claim")
        return otherwise
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        raise Unacceptable("jwt_claim")
    return float(value)


def check_audience(claims: dict[str, Any], accepted: frozenset[str], *, needed: bool) -> None:
    """Check that one of the token's audiences is accepted, letter by letter. Raises `Unacceptable`."""
    if "aud" not in claims:
        if needed:
            raise Unacceptable("jwt_audience")
        return
    given = claims["aud"]
    named = [given] if isinstance(given, str) else given
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named) or accepted.isdisjoint(named):
        raise Unacceptable("jwt_audience")


def check_claim(claims: dict[str, Any], name: str, expected: str, *, needed: bool) -> None:
    """Check that a claim is this text; numbers and booleans are compared as JSON writes them. Raises `Unacceptable`."""
    if name not in claims:
        if needed:
            raise Unacceptable("jwt_claim")
        return
    value = claims[name]
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = repr(value)
    if value != expected:
        raise Unacceptable("jwt_claim")
