"""# Credential injection: OAuth 2.0

Gets an access token of its own and sends it to the backend as `Authorization: Bearer`.

## When to use it

For a backend that wants a token of an authorization server which callers cannot or must not get themselves.
Authenticate callers by another policy: this one lets everybody use the backend's token.

## Example

```yaml
policyRef:
  name: credential-injection-oauth2
config:
  oauthService: https://login.example/oauth2/token
  clientId: portico
  clientSecret: correct-horse-battery
  scope:
    - orders:read
```

## What it does

`oauthService` is the token endpoint. It is asked with the grant `clientCredentials`, or `password` with a user's name
and password, by the client ID and secret in the form (`body`) or as HTTP Basic credentials (`header`). The documented
list of settings names no default of `credentialLocation`; it is `body` here.

A token is fetched when the first request needs it: that request and those beside it wait for one answer, for
`tokenFetchTimeout` seconds at most. Afterwards no request waits: a new one is fetched in the background when four
fifths of its `expires_in` have passed, and it is no longer sent 10 seconds before its end (at half of its time where it
lives for less than 20 seconds). Without `expires_in` five minutes are assumed. When the backend answers 401 to the
token, the next request fetches another one, though not sooner than five seconds after the last. The caller sees that
401: a request is not repeated. The token survives a change of the API's policies, and is kept in memory only, by each
worker.

With `overwrite` (as it stands) the caller's `Authorization` goes; without, a request that has the header keeps its own
and needs no token. With `allowRequestWithoutCredential` a request goes on without the header while there is no token;
the caller's own one still goes where it would be overwritten.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 503 | `backend_token_unavailable` | no token can be had, and requests without one are not allowed |

While the authorization server fails it is asked ever more seldom, once a minute at last. Otherwise callers see what the
backend says. This policy fails closed unless `allowRequestWithoutCredential` says otherwise.
"""

from collections.abc import Awaitable
from hashlib import sha256
from typing import Annotated

from gateway_runtime.fetching.url import parse_url
from gateway_runtime.policies.backend_token import BackendToken, GrantType, Location, TokenRequest
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.credential_injection import checked_value
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.token_enforcement import read_scopes
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

AUTHORIZATION = b"authorization"


class Config(PolicyConfig, frozen=True):
    """Where tokens come from, and what is done without one."""

    oauth_service: Annotated[
        str,
        setting(
            "Token URL", "The token endpoint of the authorization server.",
            placeholder="https://login.example/oauth2/token", min_length=1, max_length=2000,
        ),
    ]  # fmt: skip
    client_id: Annotated[
        str, setting("Client ID", "The client ID that the server knows.", min_length=1, max_length=500)
    ]
    client_secret: Annotated[
        str, setting("Client secret", "The secret of this client.", secret=True, min_length=1, max_length=4000)
    ]
    scope: Annotated[list[str], setting("Scopes", "The scopes that are asked for.", max_length=100)] = []
    grant_type: Annotated[
        GrantType, setting("Grant", "The client's own token, or one of a user by name and password.")
    ] = GrantType.CLIENT_CREDENTIALS
    username: Annotated[
        str, setting("User name", "The name of the user.", only_with="grantType=password", max_length=500)
    ] = ""
    password: Annotated[
        str,
        setting("Password", "The password of the user.", secret=True, only_with="grantType=password", max_length=4000),
    ] = ""
    credential_location: Annotated[
        Location, setting("Client credentials in", "The form that is sent, or an HTTP Basic header.")
    ] = Location.BODY
    overwrite: Annotated[
        bool, setting("Overwrite", "Replace the header where the caller has sent it. Off: the caller's is kept.")
    ] = True
    token_fetch_timeout: Annotated[int, setting("Timeout", "How many seconds the server may take.", ge=1, le=60)] = 10
    allow_request_without_credential: Annotated[
        bool, setting("Go on without a token", "Send requests without a token while none can be had. Off: 503.")
    ] = False

    def __post_init__(self) -> None:
        parse_url(self.oauth_service)
        if self.grant_type is GrantType.PASSWORD and not (self.username and self.password):
            raise ValueError("Give username and password, which this grant needs")
        for title, value in (
            ("The client ID", self.client_id), ("The client secret", self.client_secret),
            ("The user name", self.username), ("The password", self.password),
        ):  # fmt: skip
            checked_value(title, value)
        for each in self.scope:
            if len(read_scopes(each)) != 1:
                raise ValueError("Each scope is one word")

    def token_request(self) -> TokenRequest:
        """Return what is asked for."""
        of_user = self.grant_type is GrantType.PASSWORD
        return TokenRequest(
            url=parse_url(self.oauth_service),
            grant=self.grant_type,
            client_id=self.client_id,
            client_secret=self.client_secret,
            location=self.credential_location,
            scopes=tuple(each.strip() for each in self.scope),
            username=self.username if of_user else "",
            password=self.password if of_user else "",
        )


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Find the token that the last revision had, if it is of these settings."""
    request = config.token_request()
    name = sha256(repr(tuple(request)).encode()).hexdigest()
    kept: dict[str, BackendToken] = runtime.keep("backend token", dict)
    token = kept.get(name)
    if token is None:
        token = kept[name] = BackendToken(request)
        while len(kept) > 2:
            del kept[next(iter(kept))]
    token.serve(runtime, float(config.token_fetch_timeout))
    binding, overwrite = runtime.binding, config.overwrite
    unavailable = runtime.refusal("backend_token_unavailable", headers=((b"retry-after", b"5"),))
    without = None if config.allow_request_without_credential else unavailable

    def inject(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        headers = context.headers
        for pair in headers:
            if pair[0] == AUTHORIZATION:
                if not overwrite:
                    return None
                headers = context.headers = [each for each in headers if each[0] != AUTHORIZATION]
                break
        value = token.current()
        if value is None:
            return wait(context)
        headers.append((AUTHORIZATION, value))
        context.note(binding, value)
        return None

    async def wait(context: RequestContext) -> Response | None:
        value = await token.latest()
        if value is None:
            return without
        context.headers.append((AUTHORIZATION, value))
        context.note(binding, value)
        return None

    def look(context: RequestContext) -> None:
        if context.response_status == 401 and context.notes and binding in context.notes:
            token.refused(context.notes[binding])

    return Handlers(request_headers=inject, response_headers=look)


DEFINITION = PolicyDefinition(
    name="credential-injection-oauth2",
    title="Credential injection: OAuth 2.0",
    summary="Gets an access token of its own and sends it to the backend.",
    category=Category.SECURITY,
    icon="key",
    config=Config,
    build=build,
    default_order=422,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    judges=False,
    example={
        "oauthService": "https://login.example/oauth2/token",
        "clientId": "portico",
        "clientSecret": "correct-horse-battery",
        "scope": ["orders:read"],
        "grantType": "clientCredentials",
        "credentialLocation": "body",
        "overwrite": True,
        "tokenFetchTimeout": 10,
        "allowRequestWithoutCredential": False,
    },
    refusals=(
        Refusal(
            code="backend_token_unavailable", status=503, title="Token not available",
            detail="The token that the service behind this API needs cannot be had now. Try again later.",
        ),
    ),
    documentation=__doc__ or "",
)  # fmt: skip
