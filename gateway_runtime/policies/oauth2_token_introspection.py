"""# OAuth 2.0 token introspection

Lets a request pass only with an access token that the authorization server says is active (RFC 7662).

## When to use it

Where tokens are opaque, or where a token that has been revoked must stop working before it ends by itself.

## Example

```yaml
policyRef:
  name: oauth2-token-introspection
config:
  introspectionURL: https://login.example/oauth2/introspect
  authorizationValue: Basic cG9ydGljbzpzZXNhbWU=
  validatedTokenTTL: 600
  scopes: orders:read
  skipClientIdValidation: true
  exposeHeaders: true
```

## What it does

The token of `Authorization: Bearer …` is sent to `introspectionURL`, with `authorizationValue` as the gateway's own
`Authorization`. What comes back is remembered by the digest of the token for `validatedTokenTTL` seconds, and never
beyond its `exp`; of `maxCacheEntries` tokens the oldest go first, and 0 remembers none. That a token is not active is
remembered for two seconds. Requests that bring the same token at the same time wait for one question. Remembered tokens
survive a change of the API's policies. A revoked token therefore works for `validatedTokenTTL` seconds at most.

`scopes` are separated by spaces; a token needs all of them (`AND`) or one of them (`OR`). Later policies find what the
server says as `authentication.properties.claims`. Unless `skipClientIdValidation` is on, the field that `consumerBy`
names (`client_id` or `username`) must be the client ID of an application with an active contract.

With `exposeHeaders` the backend gets every field that is a text, a number or a boolean as `X-AGW-<name>`, but for
`scope` and `exp`. Headers of these names that callers send never reach the backend, whatever the settings.

A refresh token is active, too, and some servers tell it from an access token only by not saying a `token_type`: with
`requireTokenType` such a token is refused. One that the server calls an ID or a refresh token never passes. A token
that is bound to a key (`cnf`, or another `token_type` than `Bearer`) is refused, because nothing here checks the proof.
The server is asked by TLS with a certificate that the system trusts, or by plain HTTP; redirects are not followed.
After three failures in a row it is not asked for one second.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `introspection_missing` | there is no bearer token, or more than one |
| 400 | `introspection_invalid` | the token is not active, is over, or is no bearer token |
| 401 | `introspection_unavailable` | the server does not answer in time, or does not let the gateway ask |
| 403 | `introspection_scope` | the token lacks a scope |
| 403 | `introspection_client_unknown` | no client application has the client ID of the token |
| 403 | `introspection_no_contract` | that application has no active contract for this API |
| 500 | `introspection_bad_answer` | what the server answers is no introspection of a token |

The statuses are the documented ones of this policy, where RFC 6750 would say 401 for 400. This policy always fails
closed: while the server is away, only tokens that are remembered pass.
"""

import enum
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from gateway_runtime.fetching.client import Fetched, FetchError
from gateway_runtime.fetching.url import Url, parse_url
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.credential_injection import checked_value
from gateway_runtime.policies.jwt_keys import strict_json
from gateway_runtime.policies.token_answers import Known, TokenAnswers, TokenRefused
from gateway_runtime.policies.token_enforcement import (
    Criterion,
    Demands,
    enforcing,
    known_token,
    read_scopes,
    token_refusals,
)
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

PREFIX = "introspection"


class ConsumerBy(enum.StrEnum):
    """Which field of the answer is a client ID."""

    CLIENT_ID = "client_id"
    USERNAME = "username"


class Config(PolicyConfig, frozen=True):
    """Who is asked, and what a token has to be."""

    introspection_url: Annotated[
        str,
        setting(
            "Introspection URL", "Where the authorization server is asked about a token.",
            placeholder="https://login.example/oauth2/introspect", max_length=2000,
        ),
    ] = msgspec.field(name="introspectionURL")  # fmt: skip
    authorization_value: Annotated[
        str,
        setting(
            "Authorization", "What the gateway says it is: Basic or Bearer and the credentials.",
            secret=True, min_length=1, max_length=8000,
        ),
    ]  # fmt: skip
    validated_token_ttl: Annotated[
        int, setting("Remember tokens", "For how many seconds an active token is not asked about again.", ge=0)
    ] = msgspec.field(name="validatedTokenTTL", default=600)
    authentication_timeout: Annotated[
        int, setting("Timeout", "How many milliseconds the server may take.", ge=100, le=60_000)
    ] = 10_000
    skip_client_id_validation: Annotated[
        bool,
        setting("Any client", "Off: the client of a token must be a client application with an active contract."),
    ] = False
    consumer_by: Annotated[
        ConsumerBy, setting("Client by", "The field of the answer that is the client ID of an application.")
    ] = ConsumerBy.CLIENT_ID
    expose_headers: Annotated[
        bool, setting("Expose headers", "Tell the backend the fields of the token as X-AGW- headers.")
    ] = False
    scopes: Annotated[
        str, setting("Scopes", "The scopes that a token needs, separated by spaces.", max_length=4000)
    ] = ""
    scope_validation_criteria: Annotated[
        Criterion, setting("Scopes needed", "AND: all of the scopes. OR: one of them.")
    ] = Criterion.AND
    require_token_type: Annotated[
        bool,
        setting(
            "Bearer tokens alone",
            "Refuse tokens of which the server does not say that they are bearer tokens, such as refresh tokens.",
        ),
    ] = False
    max_cache_entries: Annotated[
        int,
        setting("Tokens remembered", "How many tokens are remembered. 0 asks about each request.", ge=0, le=1_000_000),
    ] = 1000

    def __post_init__(self) -> None:
        parse_url(self.introspection_url)
        checked_value("The authorization", self.authorization_value)
        if not self.authorization_value.isascii() or " " not in self.authorization_value.strip():
            raise ValueError("The authorization is Basic or Bearer, a space and the credentials")
        read_scopes(self.scopes)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the question and the refusals."""
    url, seconds = parse_url(config.introspection_url), config.authentication_timeout / 1000
    introspect = introspecting(runtime, config.authorization_value, seconds)

    async def ask(token: bytes) -> Known:
        fields = await introspect(url, token)
        if config.require_token_type and "token_type" not in fields:
            raise TokenRefused("invalid")
        client = fields.get(config.consumer_by.value)
        return known_token(fields, now=runtime.now(), seconds=config.validated_token_ttl, client=client)

    # Those of another server, looked at otherwise or kept for longer, are other answers.
    asked = (
        config.introspection_url, config.authorization_value, config.validated_token_ttl, config.consumer_by,
        config.require_token_type,
    )  # fmt: skip
    answers = TokenAnswers(
        runtime, sha256(repr(asked).encode()).hexdigest(), ask,
        of=url.authority, entries=config.max_cache_entries,
    )  # fmt: skip
    demands = Demands(
        read_scopes(config.scopes), config.scope_validation_criteria, config.expose_headers,
        needs_contract=not config.skip_client_id_validation,
    )  # fmt: skip
    return enforcing(runtime, PREFIX, demands, answers)


def introspecting(
    runtime: PolicyRuntime, authorization: str, seconds: float
) -> Callable[[Url, bytes], Awaitable[dict[str, Any]]]:
    """Return what asks an introspection endpoint about a token, and raises `TokenRefused` or `FetchError`."""
    headers = (
        ("authorization", authorization.strip()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
    )

    async def ask(url: Url, token: bytes) -> dict[str, Any]:
        body = b"token=" + quote(token, safe="").encode() + b"&token_type_hint=access_token"
        answer = await runtime.ask(url, seconds=seconds, method="POST", headers=headers, body=body)
        return read_answer(answer)

    return ask


def read_answer(answer: Fetched) -> dict[str, Any]:
    """Return the fields of an active token. Raises `TokenRefused`, and `FetchError` where the gateway may not ask."""
    if answer.status in (401, 403, 429) or answer.status >= 500:
        raise FetchError(f"status_{answer.status}")
    try:
        fields = strict_json(answer.body) if answer.status in (200, 400) else None
    except ValueError:
        fields = None
    if answer.status == 400:
        # Said of tokens that the server could have made, but is not asked about (RFC 7009 section 2.2.1).
        unsupported = isinstance(fields, dict) and fields.get("error") == "unsupported_token_type"
        raise TokenRefused("invalid" if unsupported else "bad_answer")
    if not isinstance(fields, dict) or not isinstance(fields.get("active"), bool):
        raise TokenRefused("bad_answer")
    if not fields["active"]:
        raise TokenRefused("invalid")
    return fields


DEFINITION = PolicyDefinition(
    name="oauth2-token-introspection",
    title="OAuth 2.0 token introspection",
    summary="Lets requests pass only with a token that the authorization server says is active.",
    category=Category.SECURITY,
    icon="ticket",
    config=Config,
    build=build,
    default_order=160,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "introspectionURL": "https://login.example/oauth2/introspect",
        "authorizationValue": "Basic cG9ydGljbzpzZXNhbWU=",
        "validatedTokenTTL": 600,
        "authenticationTimeout": 10_000,
        "skipClientIdValidation": True,
        "consumerBy": "client_id",
        "exposeHeaders": True,
        "scopes": "orders:read",
        "scopeValidationCriteria": "AND",
        "requireTokenType": False,
        "maxCacheEntries": 1000,
    },
    refusals=token_refusals(PREFIX, "authorization server"),
    needs_contracts=lambda config: not config.skip_client_id_validation,
    documentation=__doc__ or "",
)
