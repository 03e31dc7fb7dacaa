"""# Client ID enforcement

Lets a request pass only when it comes from a client application that has an active contract for the API.

## When to use it

Whenever consumers of an API are registered applications that have access to it, by the developer hub or by
[files](/docs/reference/declarative-files/): every call is then known by its application, in analytics and to later
policies such as rate limiting by application.

## Example

```yaml
policyRef:
  name: client-id-enforcement
config:
  credentialsOriginHasHttpBasicAuthenticationHeader: customExpression
  clientIdExpression: "#[attributes.headers['client_id']]"
  clientSecretExpression: "#[attributes.headers['client_secret']]"
```

```
curl -H 'client_id: 7d1f…' -H 'client_secret: 9b22…' http://localhost:8080/orders
```

With `credentialsOriginHasHttpBasicAuthenticationHeader: httpBasicAuthenticationHeader` the client ID is the user name
and the secret the password of an `Authorization: Basic` header.

## What it does

The expressions say where the credentials are: in headers, as it stands, in the query
(`#[attributes.queryParams['client_id']]`) or in the body (`#[payload.client_id]`), which is then read up to the limit
of the gateway (413 above). One that gives nothing or cannot be evaluated, and a header that is there
twice, are no credentials. Without `clientSecretExpression` (null) or with `secretRequired: false` the client ID alone
lets a request in.

A secret in a header is taken out of the request before it goes to the service. One in the query or the body stays
there, for the service and every log on the way to read: prefer headers. The gateway holds only digests of secrets,
compared in constant time.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `client_id_missing` | no client ID was sent, or more than one |
| 401 | `client_credentials_invalid` | the application is unknown or its secret is wrong |
| 403 | `no_contract` | the credentials are right, but the application has no active contract for this API |

The 401 answers carry `WWW-Authenticate: Client-ID-Enforcement`, or `Basic realm="mule-realm"` where Basic credentials
are expected. A contract that waits for approval, was rejected or revoked, or is one for another API, is none. This
policy always fails closed. A gateway without a portal takes applications and contracts from its
[files](/docs/reference/declarative-files/#client-applications-and-tiers).
"""

import enum
from typing import Annotated

import msgspec

from gateway_runtime.policies.client_credentials import (
    CHALLENGE,
    CLIENT_ID,
    CLIENT_SECRET,
    CREDENTIAL,
    check_sources,
    kept_back,
    read_basic,
    reader,
    reads_body,
    secret_fits,
)
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.payloads import request_handlers
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.expression import expression
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

BASIC_CHALLENGE = ((b"www-authenticate", b'Basic realm="mule-realm"'),)
BASIC_HEADERS = frozenset({b"authorization"})
CUSTOM = "credentialsOriginHasHttpBasicAuthenticationHeader=customExpression"


class Origin(enum.StrEnum):
    """Where a request carries its credentials."""

    EXPRESSION = "customExpression"
    BASIC = "httpBasicAuthenticationHeader"


class Config(PolicyConfig, frozen=True):
    """Where the credentials are, and whether the secret is needed."""

    credentials_origin: Annotated[
        Origin,
        setting("Credentials from", "What two expressions give, or the user name and password of HTTP Basic."),
    ] = msgspec.field(name="credentialsOriginHasHttpBasicAuthenticationHeader", default=Origin.EXPRESSION)
    client_id_expression: Annotated[
        str, expression("Client ID", "Where a request carries the client ID.", CREDENTIAL, only_with=CUSTOM)
    ] = CLIENT_ID
    client_secret_expression: Annotated[
        str | None,
        expression("Client secret", "Where a request carries the secret.", CREDENTIAL, only_with=CUSTOM),
    ] = CLIENT_SECRET
    secret_required: Annotated[
        bool,
        setting(
            "Require the secret",
            "Without it a client ID alone lets a request in, and a client ID is not kept secret by anybody.",
        ),
    ] = True

    def __post_init__(self) -> None:
        check_sources(self.client_id_expression, self.client_secret_expression)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Bind the check to the API's consumers."""
    basic = config.credentials_origin is Origin.BASIC
    id_source, secret_source = config.client_id_expression, config.client_secret_expression
    stripped = BASIC_HEADERS if basic else kept_back(id_source, secret_source)
    challenge = BASIC_CHALLENGE if basic else CHALLENGE
    secret_required = config.secret_required and (basic or secret_source is not None)
    read_id, read_secret = reader(id_source), reader(secret_source or CLIENT_SECRET)
    consumers = runtime.consumers
    missing = runtime.refusal("client_id_missing", headers=challenge)
    invalid = runtime.refusal("client_credentials_invalid", headers=challenge)
    no_contract = runtime.refusal("no_contract")

    def check(context: RequestContext) -> Response | None:
        client_id: bytes | None
        if basic:
            client_id, secret = read_basic(context.only_header(b"authorization"))
        else:
            client_id = read_id(context)
            secret = (read_secret(context) or b"") if secret_required else b""
        if client_id is None:
            return missing
        consumer = consumers.by_client_id(client_id)
        known = consumer if consumer is not None else consumers.known(client_id)
        # Only who proves to be the application learns that it lacks a contract.
        if known is None or (secret_required and not secret_fits(known, secret)):
            return invalid
        if consumer is None:
            return no_contract
        context.application = consumer.id
        context.application_name = consumer.name
        context.principal = client_id
        context.headers = [pair for pair in context.headers if pair[0] not in stripped]
        return None

    looks = not basic and reads_body(id_source, secret_source if secret_required else None)
    return Handlers(**request_handlers(check, reads_body=looks))


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
        "credentialsOriginHasHttpBasicAuthenticationHeader": "customExpression",
        "clientIdExpression": CLIENT_ID,
        "clientSecretExpression": CLIENT_SECRET,
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
            detail="The client ID is unknown or its secret is wrong. Check both where the application is registered.",
        ),
        Refusal(
            code="no_contract",
            status=403,
            title="No active contract",
            detail="This application has no active contract for this API. Request access to it.",
        ),
    ),
    needs_contracts=lambda config: True,
    documentation=__doc__ or "",
)
