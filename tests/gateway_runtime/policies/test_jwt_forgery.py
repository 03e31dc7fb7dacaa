"""The ways in which a token can lie."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .jwt_kit import ES, GOOD, RSA, code, verdict
from .tokens import SECRET, b64url, ec_key, pem_text, rsa_jwk, rsa_key, signature, spki, token

HEAD, BODY, SIGNATURE = GOOD.split(".")


def unsigned(alg: Any, signed: str = "") -> str:
    return f"{b64url(json.dumps({'alg': alg}).encode())}.{BODY}.{signed}"


def other_spelling(part: str) -> str:
    """Return the same bytes with other bits after their end."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(part) % 4 in (2, 3)
    return part[:-1] + letters[letters.index(part[-1]) ^ 1]


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, "HS384", "hs256", "HS256 ", ["HS256"], 0])
@pytest.mark.parametrize("signed", ["", SIGNATURE, "AA"])
def test_unsigned_tokens_are_never_accepted(alg: Any, signed: str) -> None:
    assert code(unsigned(alg, signed)) in ("jwt_malformed", "jwt_algorithm")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}.{BODY}.",
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.{SIGNATURE}.",
        f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}.{SIGNATURE}",
        f".{HEAD}.{BODY}.{SIGNATURE}",
        f"{HEAD}=.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}=",
        f"{HEAD}.{BODY[:3]} {BODY[3:]}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE[:-1]}+",
        f"{HEAD}.{BODY}.{SIGNATURE[:-1]}/",
        f"{HEAD}.{BODY}.{other_spelling(SIGNATURE)}",
        f"{HEAD}.{BODY}.{SIGNATURE}\t",
        f"{HEAD}.{BODY}.A",
        "x" * 20_000,
        "a.b.c",
        "\xff.\xff.\xff",
        "{}",
        token(b"[]"),
        token(b'"text"'),
        token(b"{"),
        token(b""),
        token(b'{"sub":"ada"} '.rstrip() + b"\xff"),
        token(b'{"sub":"a","sub":"admin"}'),
        token(b'{"a":{"b":1,"b":2}}'),
        token(b'{"exp":NaN}'),
        token(b'{"exp":Infinity}'),
        token(b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}"),
        token({}, header=b'{"alg":"HS256","alg":"HS256"}'),
        token({}, header=b'{"alg":"none","alg":"HS256"}'),
        token({}, header=b"[]"),
        token({}, crit=["x"], x=1),
        token({}, crit=[]),
        token({}, crit=["exp"]),
        token({}, b64=False, crit=["b64"]),
        token({}, b64=False),
        token({}, kid=7),
        token({}, kid={"a": 1}),
    ],
)
def test_what_cannot_be_read_in_exactly_one_way_is_refused(text: str) -> None:
    assert code(text) == "jwt_malformed"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}.{b64url(b'{}')}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{b64url(b'x' * 32)}",
        token({"sub": "ada"}, SECRET + "x"),
        token({"sub": "ada"}, ""),
    ],
)
def test_a_wrong_signature_is_refused(text: str) -> None:
    assert code(text) == "jwt_signature"


@pytest.mark.parametrize(
    "secret",
    [
        pem_text(rsa_key()),
        pem_text(rsa_key()).replace("\n", ""),
        json.dumps(rsa_jwk(rsa_key())),
        rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).strip(),
        rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1),
        f"-----BEGIN PUBLIC KEY-----\n{pem_text(rsa_key())}\n-----END PUBLIC KEY-----",
        f"-----BEGIN PUBLIC KEY-----\n{pem_text(rsa_key())}\n-----END PUBLIC KEY-----\n",
        spki(rsa_key()),
    ],
    ids=lambda _: "secret",
)
def test_a_public_key_is_no_secret(secret: Any) -> None:
    forged = token({"sub": "admin"}, secret, "HS256")
    assert verdict(RSA, forged) == (401, "jwt_algorithm")
    pretending = f"{b64url(json.dumps({'alg': 'RS256'}).encode())}.{BODY}"
    signed = f"{pretending}.{b64url(signature('HS256', secret, pretending.encode()))}"
    assert verdict(RSA, signed) == (401, "jwt_signature")


@pytest.mark.parametrize("named", ["jwk", "jku", "x5u", "x5c"])
def test_keys_that_a_token_brings_along_are_not_looked_at(named: str) -> None:
    evil = rsa_key("evil")
    value = {"jwk": rsa_jwk(evil), "x5c": ["MIIB"]}.get(named, "http://127.0.0.1:1/keys")
    assert verdict(RSA, token({}, evil, "RS256", **{named: value})) == (401, "jwt_signature")
    assert verdict(RSA, token({}, rsa_key(), "RS256", **{named: value})) == (200, "")


ELLIPTIC = token({"sub": "ada"}, ec_key(), "ES256")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def raw(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@pytest.mark.parametrize(
    "signed",
    [
        raw(0, 0),
        raw(0, 1),
        raw(1, 0),
        raw(ORDER, ORDER),
        raw(ORDER, 0),
        raw(1, 1),
        raw(1, 1, 48),
        b"\0" * 63,
        b"\0" * 65,
        b"\0",
        ec_key().sign(ELLIPTIC.rpartition(".")[0].encode(), ec.ECDSA(hashes.SHA256())),
        signature("ES256", ec_key("256", "evil"), ELLIPTIC.rpartition(".")[0].encode()),
        signature("RS256", rsa_key(), ELLIPTIC.rpartition(".")[0].encode()),
        signature("ES256", ec_key(), ELLIPTIC.rpartition(".")[0].encode()) + b"\0",
    ],
    ids=lambda _: "signature",
)
def test_an_elliptic_signature_is_two_numbers_of_the_key(signed: bytes) -> None:
    assert verdict(ES, ELLIPTIC) == (200, "")
    assert verdict(ES, f"{ELLIPTIC.rpartition('.')[0]}.{b64url(signed)}") == (401, "jwt_signature")


@settings(max_examples=200, deadline=None)
@given(
    position=st.integers(0, len(GOOD) - 1),
    letter=st.sampled_from("ABab01-_.=+/ \t\0\xff"),
    action=st.sampled_from("rid"),
)
def test_a_token_that_differs_in_one_letter_is_refused(position: int, letter: str, action: str) -> None:
    changed = {
        "r": GOOD[:position] + letter + GOOD[position + 1 :],
        "i": GOOD[:position] + letter + GOOD[position:],
        "d": GOOD[:position] + GOOD[position + 1 :],
    }[action]
    # Space around a token belongs to the header, and is none of the token's.
    assume(changed.strip(" ") != GOOD)
    assert code(changed).startswith("jwt_")
