"""# Basic authentication

Lets a request pass only with one fixed user name and password, sent as HTTP Basic credentials (RFC 7617).

## When to use it

For a first lock on an API, for machine callers that know nothing better, and for trying out what a policy does. All
callers share one password, so it tells you *that* a caller may come in, not *who* it is: use client ID enforcement
where applications must be told apart. The password travels in every request, so use it over TLS only.

## Example

```yaml
policyRef:
  name: http-basic-authentication
config:
  username: warehouse
  password: correct-horse-battery
```

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `basic_credentials_missing` | there is no `Authorization: Basic` header, or more than one |
| 401 | `basic_credentials_invalid` | the header cannot be read, or user name or password is wrong |

Both carry `WWW-Authenticate: Basic realm="portico", charset="UTF-8"`. The `Authorization` header is passed on to the
backend unchanged. This policy always fails closed.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hmac import compare_digest
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

CHALLENGE = ((b"www-authenticate", b'Basic realm="portico", charset="UTF-8"'),)


class Config(PolicyConfig, frozen=True):
    """The one pair of credentials that is accepted."""

    username: Annotated[
        str, setting("User name", "The name callers send. It cannot contain a colon.", min_length=1, max_length=200)
    ]
    password: Annotated[
        str, setting("Password", "The password callers send.", secret=True, min_length=1, max_length=500)
    ]

    def __post_init__(self) -> None:
        if ":" in self.username:
            raise ValueError("A user name cannot contain a colon")


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Encode the accepted credentials once; a request is one comparison in constant time."""
    name = config.username.encode()
    credentials = name + b":" + config.password.encode()
    expected = b"Basic " + b64encode(credentials)
    missing = runtime.refusal("basic_credentials_missing", headers=CHALLENGE)
    invalid = runtime.refusal("basic_credentials_invalid", headers=CHALLENGE)

    def check(context: RequestContext) -> Response | None:
        value = context.only_header(b"authorization")
        if value is None:
            return missing
        # Nearly every client spells the header this one way; comparing it whole saves decoding it.
        if compare_digest(value, expected):
            context.principal = name
            return None
        scheme, _, encoded = value.partition(b" ")
        if scheme.lower() != b"basic":
            return missing
        try:
            given = b64decode(encoded.strip(b" "), validate=True)
        except Base64Error:
            return invalid
        if compare_digest(given, credentials):
            context.principal = name
            return None
        return invalid

    return Handlers(request_headers=check)


DEFINITION = PolicyDefinition(
    name="http-basic-authentication",
    aliases=("basic-authentication", "http-basic-authentication-simple"),
    title="Basic authentication",
    summary="Lets requests pass only with one fixed user name and password.",
    category=Category.SECURITY,
    icon="lock",
    config=Config,
    build=build,
    default_order=100,
    phases=(Phase.REQUEST_HEADERS,),
    example={"username": "warehouse", "password": "correct-horse-battery"},
    refusals=(
        Refusal(
            code="basic_credentials_missing",
            status=401,
            title="Credentials required",
            detail="This API needs a user name and password. Send them in one Authorization: Basic header.",
        ),
        Refusal(
            code="basic_credentials_invalid",
            status=401,
            title="Credentials not accepted",
            detail="The user name or password is not the one this API accepts. Check both and try again.",
        ),
    ),
    documentation=__doc__ or "",
)
