"""Where a request carries a client ID and its secret, and whether they are an application's."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest

from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.payloads import of_request
from gateway_runtime.policies.selectors import selected_header
from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.expression import ExpressionSetting

# What both expressions give.
CREDENTIAL = ExpressionSetting(payload=True)
CLIENT_ID = "#[attributes.headers['client_id']]"
CLIENT_SECRET = "#[attributes.headers['client_secret']]"  # noqa: S105 — where it is, not what it is
CHALLENGE = ((b"www-authenticate", b"Client-ID-Enforcement"),)
# Names with other signs than the dash are dropped before policies see them, but for the documented two.
WITH_UNDERSCORE = frozenset({"client_id", "client_secret"})

Read = Callable[[RequestContext], bytes | None]


def reader(source: str) -> Read:
    """Return what reads a credential: None where there is none, where it is there twice, or where reading fails."""
    name = selected_header(source)
    if name is not None:
        return lambda context: context.only_header(name)
    evaluate = of_request(compile_for(CREDENTIAL, source))

    def read(context: RequestContext) -> bytes | None:
        value = evaluate(context)
        return wire(value) if type(value) is str else None

    return read


def reads_body(*sources: str | None) -> bool:
    """Tell whether one of these expressions looks at the body."""
    return any(compile_for(CREDENTIAL, source).uses_payload for source in sources if source is not None)


def read_basic(value: bytes | None) -> tuple[bytes | None, bytes]:
    """Return client ID and secret of an Authorization header; (None, b"") when it is not a Basic one."""
    scheme, _, encoded = (value or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None, b""
    try:
        client_id, colon, secret = b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except Base64Error:
        return b"", b""
    return (client_id, secret) if colon else (b"", b"")


def secret_fits(consumer: Consumer, secret: bytes) -> bool:
    """Tell whether a secret is one of an application's."""
    digest = sha256(secret).hexdigest()
    fits = False
    for known in consumer.secrets:
        # No early end: the time taken must not tell which of several secrets was right.
        fits |= compare_digest(digest, known)
    return fits


def kept_back(id_source: str, secret_source: str | None) -> frozenset[bytes]:
    """Return the headers that do not go to the service: the secret, and what could pose as the client ID there."""
    id_header = selected_header(id_source)
    secret_header = selected_header(secret_source) if secret_source is not None else None
    names = set()
    if secret_header is not None:
        names |= {secret_header, _other_spelling(secret_header)}
    if id_header is not None:
        names.add(_other_spelling(id_header))
    return frozenset(names - {id_header})


def _other_spelling(name: bytes) -> bytes:
    """Return the name that some backends cannot tell from this one."""
    return name.replace(b"_", b"-") if b"_" in name else name.replace(b"-", b"_")


def check_sources(id_source: str, secret_source: str | None) -> None:
    """Raise `ValueError` where an expression selects a header that never arrives, or both the same one."""
    headers = [selected_header(source) for source in (id_source, secret_source) if source is not None]
    for header in headers:
        name = (header or b"").decode()
        dashed = re.sub("[^a-z0-9]", "-", name)
        if dashed != name and name not in WITH_UNDERSCORE:
            raise ValueError(f"The gateway drops headers with other signs than “-”: use “{dashed}”")
    if secret_source is not None and id_source.strip() == secret_source.strip():
        raise ValueError("Client ID and secret need a place each")
    if len(headers) == 2 and headers[0] is not None and headers[0] == headers[1]:
        raise ValueError("Client ID and secret need a header each")
