"""Requests signed as RFC 9421 says, by a client that has read it on its own."""

import hashlib
import hmac
from base64 import b64encode
from typing import Any

SHOP = "9f2c41d07a55e8b3c6d1f0a94e7b2c58"
STOCK = "1b7d3e95f0c842a6b8e4d7136a5c90f2"
USUAL = ("@method", "@authority", "@path", "@query")


def digest(body: bytes, name: str = "sha-256") -> str:
    made = getattr(hashlib, name.replace("-", ""))(body).digest()
    return f"{name}=:{b64encode(made).decode()}:"


def signed(
    method: str,
    target: str,
    headers: dict[str, str],
    *,
    components: tuple[str, ...] = USUAL,
    key_id: str = "shop",
    secret: str = SHOP,
    created: int | None = 1000,
    label: str = "sig1",
    **more: Any,
) -> dict[str, str]:
    """Return the headers with those of a signature. `more` are further parameters, numbers or texts."""
    path, mark, query = target.partition("?")
    derived = {
        "@method": method,
        "@authority": headers["host"].lower(),
        "@path": path,
        "@query": f"?{query}",
        "@request-target": path + mark + query,
    }
    parameters = {"created": created, "keyid": key_id, **more}
    listed = " ".join(f'"{name}"' for name in components)
    said = "".join(
        f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"'
        for name, value in parameters.items()
        if value is not None
    )
    lines = [f'"{name}": {derived[name] if name in derived else headers[name]}' for name in components]
    base = "\n".join([*lines, f'"@signature-params": ({listed}){said}'])
    value = b64encode(hmac.digest(secret.encode(), base.encode("latin-1"), "sha256")).decode()
    return {**headers, "signature-input": f"{label}=({listed}){said}", "signature": f"{label}=:{value}:"}
