"""# Client ID enforcement

Lets a request pass only when it comes from a client application that has an active contract for the API.

## When to use it

Whenever consumers of an API are applications that register in the developer hub and request access: every call is then
known by its application, in analytics and to later policies such as rate limiting by application.

## Example

```yaml
policyRef:
  name: client-id-enforcement
config:
  credentialsOrigin: headers
  clientIdHeader: client_id
  clientSecretHeader: client_secret
```

```
curl -H 'client_id: 7d1f…' -H 'client_secret: 9b22…' http://localhost:8080/orders
```

With `credentialsOrigin: basicAuthentication` the client ID is the user name and the secret the password of an
`Authorization: Basic` header.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `client_id_missing` | no client ID was sent, or more than one |
| 401 | `client_credentials_invalid` | the application is unknown or its secret is wrong |
| 403 | `no_contract` | the credentials are right, but the application has no active contract for this API |

The 401 answers carry `WWW-Authenticate: Client-ID-Enforcement`, or a Basic challenge where Basic credentials are
expected. The secret is taken out of the request before it goes to the backend. The gateway holds only digests of
secrets, compared in constant time. This policy always fails closed.
"""

import enum
import re
from base64 import b64decode
from binascii import Error as Base64Error
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

CHALLENGE = ((b"www-authenticate", b"Client-ID-Enforcement"),)
BASIC_CHALLENGE = ((b"www-authenticate", b'Basic realm="portico", charset="UTF-8"'),)
# Names with other signs than the dash are dropped before policies see them, but for the documented two.
WITH_UNDERSCORE = frozenset({"client_id", "client_secret"})
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"


class Origin(enum.StrEnum):
    """Where a request carries its credentials."""

    HEADERS = "headers"
    BASIC = "basicAuthentication"


class Config(PolicyConfig, frozen=True):
    """Where the credentials are, and whether the secret is needed."""

    credentials_origin: Annotated[
        Origin,
        setting("Credentials from", "Two headers of their own, or the user name and password of HTTP Basic."),
    ] = Origin.HEADERS
    client_id_header: Annotated[
        str,
        setting(
            "Client ID header",
            "The header that carries the client ID.",
            only_with="credentialsOrigin=headers",
            pattern=HEADER_NAME,
            max_length=100,
        ),
    ] = "client_id"
    client_secret_header: Annotated[
        str,
        setting(
            "Client secret header",
            "The header that carries the secret.",
            only_with="credentialsOrigin=headers",
            pattern=HEADER_NAME,
            max_length=100,
        ),
    ] = "client_secret"  # noqa: S105 — the name of a header
    secret_required: Annotated[
        bool,
        setting(
            "Require the secret",
            "Without it a client ID alone lets a request in, and a client ID is not kept secret by anybody.",
        ),
    ] = True

    def __post_init__(self) -> None:
        for name in (self.client_id_header.lower(), self.client_secret_header.lower()):
            dashed = re.sub("[^a-z0-9]", "-", name)
            if dashed != name and name not in WITH_UNDERSCORE:
                raise ValueError(f"The gateway drops headers with other signs than “-”: use “{dashed}”")
        if self.client_id_header.lower() == self.client_secret_header.lower():
            raise ValueError("Client ID and secret need a header each")


def _other_spelling(name: bytes) -> bytes:
    """Return the name that some backends cannot tell from this one."""
    return name.replace(b"_", b"-") if b"_" in name else name.replace(b"-", b"_")


def _read_basic(value: bytes | None) -> tuple[bytes | None, bytes]:
    """Return client ID and secret of an Authorization header; (None, b"") when it is not a Basic one."""
    scheme, _, encoded = (value or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None, b""
    try:
        client_id, colon, secret = b64decode(encoded.strip(b" "), validate=True).partition(b":")
    except Base64Error:
        return b"", b""
    return (client_id, secret) if colon else (b"", b"")


def _secret_fits(consumer: Consumer, secret: bytes) -> bool:
    digest = sha256(secret).hexdigest()
    fits = False
    for known in consumer.secrets:
        # No early end: the time taken must not tell which of several secrets was right.
        fits |= compare_digest(digest, known)
    return fits


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Bind the check to the API's consumers."""
    id_header, secret_header = config.client_id_header.lower().encode(), config.client_secret_header.lower().encode()
    basic = config.credentials_origin is Origin.BASIC
    alike = {secret_header, _other_spelling(secret_header), _other_spelling(id_header)} - {id_header}
    stripped = {b"authorization"} if basic else alike
    challenge = BASIC_CHALLENGE if basic else CHALLENGE
    secret_required = config.secret_required
    consumers = runtime.consumers
    missing = runtime.refusal("client_id_missing", headers=challenge)
    invalid = runtime.refusal("client_credentials_invalid", headers=challenge)
    no_contract = runtime.refusal("no_contract")

    def check(context: RequestContext) -> Response | None:
        client_id: bytes | None
        if basic:
            client_id, secret = _read_basic(context.only_header(b"authorization"))
        else:
            client_id = context.only_header(id_header)
            secret = context.only_header(secret_header) or b""
        if client_id is None:
            return missing
        consumer = consumers.by_client_id(client_id)
        known = consumer if consumer is not None else consumers.known(client_id)
        # Only who proves to be the application learns that it lacks a contract.
        if known is None or (secret_required and not _secret_fits(known, secret)):
            return invalid
        if consumer is None:
            return no_contract
        context.application = consumer.id
        context.application_name = consumer.name
        context.principal = client_id
        context.headers = [pair for pair in context.headers if pair[0] not in stripped]
        return None

    return Handlers(request_headers=check)


DEFINITION = PolicyDefinition(
    name="client-id-enforcement",
    title="Client ID enforcement",
    summary="Lets requests pass only from client applications with an active contract.",
    category=Category.COMPLIANCE,
    icon="id-badge-2",
    config=Config,
    build=build,
    default_order=200,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "credentialsOrigin": "headers",
        "clientIdHeader": "client_id",
        "clientSecretHeader": "client_secret",
        "secretRequired": True,
    },
    refusals=(
        Refusal(
            code="client_id_missing",
            status=401,
            title="Client ID required",
            detail="This API is open to registered applications. Send your application's client ID once.",
        ),
        Refusal(
            code="client_credentials_invalid",
            status=401,
            title="Client credentials not accepted",
            detail="The client ID is unknown or its secret is wrong. Check both in the developer hub.",
        ),
        Refusal(
            code="no_contract",
            status=403,
            title="No active contract",
            detail="This application has no active contract for this API. Request access in the developer hub.",
        ),
    ),
    documentation=__doc__ or "",
)
