"""The settings of JWT validation: what is refused, and what stays secret."""

import json

import pytest

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case

from .jwt_kit import HMAC, NAME, verdict
from .tokens import SECRET, ec_jwk, ec_key, key_set, pem_text, rsa_jwk, rsa_key, token


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "Give the key as textKey"),
        ({"signingMethod": "none"}, "can be made by anybody"),
        ({"signingMethod": "es", "signingKeyLength": 512}, "256 or 384"),
        ({"signingMethod": "ps"}, "Invalid enum value"),
        ({"signingKeyLength": 128}, "Invalid enum value"),
        ({"signingMethod": "hmac", "textKey": "x" * 31}, "at least 32 characters"),
        ({"signingMethod": "hmac", "signingKeyLength": 384, "textKey": "x" * 47}, "at least 48 characters"),
        ({"signingMethod": "hmac", "signingKeyLength": 512, "textKey": "x" * 63}, "at least 64 characters"),
        ({"signingMethod": "hmac", "textKey": "-----BEGIN PUBLIC KEY-----" + "x" * 40}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": pem_text(rsa_key())}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": pem_text(rsa_key()).replace("\n", "")}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": pem_text(ec_key()) + "\n"}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": json.dumps(rsa_jwk(rsa_key()), indent=1)}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": " " + json.dumps(ec_jwk(ec_key()))}, "This is a public key"),
        ({"signingMethod": "hmac", "textKey": key_set(rsa_jwk(rsa_key())).decode()}, "This is a public key"),
        ({"signingMethod": "hmac", "jwtKeyOrigin": "jwks", "jwksUrl": "https://a.example"}, "never published"),
        ({"textKey": "nonsense"}, "not a public key"),
        ({"textKey": "bm9uc2Vuc2U="}, "not a public key"),
        ({"textKey": pem_text(ec_key())}, "not an RSA public key"),
        ({"textKey": pem_text(rsa_key("small", 1024))}, "2048 to 8192 bits, this one has 1024"),
        ({"textKey": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"}, "This is a private key"),
        ({"signingMethod": "es", "textKey": pem_text(ec_key("384"))}, "the curve P-256"),
        ({"signingMethod": "es", "textKey": pem_text(rsa_key())}, "the curve P-256"),
        ({"jwtKeyOrigin": "jwks"}, "Give one to 10 URLs"),
        ({"jwtKeyOrigin": "jwks", "jwksUrl": " , "}, "Give one to 10 URLs"),
        ({"jwtKeyOrigin": "jwks", "jwksUrl": "file:///etc/passwd"}, "is not a URL that can be fetched"),
        ({"jwtKeyOrigin": "jwks", "jwksUrl": "https://a.example,ftp://b.example"}, "“ftp://b.example” is not a URL"),
        ({**HMAC, "jwtExpression": "#[payload.t]"}, "evaluated without the body"),
        ({**HMAC, "clientIdExpression": "client_id"}, "takes an expression"),
        ({**HMAC, "clientIdExpression": "#[vars.claims.a]"}, "claimSet"),
        ({**HMAC, "validateAudClaim": True, "supportedAudiences": " ,"}, "Give supportedAudiences"),
        ({**HMAC, "validateCustomClaim": True}, "at least one custom claim"),
        ({**HMAC, "mandatoryCustomClaims": [{"key": "a", "value": "#[vars.claims.a]"}]}, "claimSet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "settings",
)
def test_unusable_settings_are_refused(config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert words in caught.value.message
    if key := config.get("textKey"):
        assert key not in caught.value.message


@pytest.mark.parametrize("armour", [True, False])
def test_a_public_key_may_have_its_first_and_last_line(armour: bool) -> None:
    text = pem_text(rsa_key())
    whole = f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n" if armour else text.replace("\n", "")
    assert verdict({"textKey": whole}, token({}, rsa_key(), "RS256")) == (200, "")


def test_the_key_is_in_no_repr() -> None:
    case = policy_case(NAME, HMAC)
    config = case.definition.config(signing_method="hmac", text_key=SECRET)  # type: ignore[call-arg]
    assert SECRET not in repr(config)
