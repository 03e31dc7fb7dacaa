"""A JWT validation policy and its verdict on one token."""

from typing import Any

from gateway_runtime.testing import policy_case, request

from .tokens import SECRET, ec_key, pem_text, rsa_key, token

NAME = "jwt-validation"
HMAC: dict[str, Any] = {"signingMethod": "hmac", "textKey": SECRET}
RSA: dict[str, Any] = {"signingMethod": "rsa", "textKey": pem_text(rsa_key())}
ES: dict[str, Any] = {"signingMethod": "es", "textKey": pem_text(ec_key())}
NOW = 1000  # what the clock of a case says


def verdict(config: dict[str, Any], text: str | None, **more: Any) -> tuple[int, str]:
    headers = {} if text is None else {"Authorization": f"Bearer {text}"}
    refused = policy_case(NAME, config, **more).send(request(headers=headers))
    return (200, "") if refused is None else (refused.status, refused.code)


def code(text: str | None, **settings: Any) -> str:
    return verdict({**HMAC, **settings}, text)[1]


GOOD = token({"sub": "ada"})
