"""# OpenID Connect access token enforcement

Lets a request pass only with an access token of one OpenID provider.

## When to use it

Where the users or programs that call an API sign in at an OpenID provider, and the API trusts its tokens.

## Example

```yaml
policyRef:
  name: openidconnect-access-token-enforcement
config:
  issuer: https://login.example
  checkedBy: signature
  audiences: https://api.example
  scopes: orders:read
  exposeHeaders: true
```

## What it does

The documented policy takes its provider from the platform; here its settings name it. `issuer` is who the provider says
it is; its endpoints are discovered at `/.well-known/openid-configuration` and looked up anew every hour, or named
(`jwksURL`, `introspectionURL`, `userinfoURL`). The token of `Authorization: Bearer …` is checked by one of three ways:

- `signature`: it is a JSON Web Token signed with a key of the provider (RS256 to RS512, ES256, ES384), with the right
  `iss`, an `exp` that is not over and, where `audiences` are set, one of them. ID tokens, refresh tokens and others
  that say what they are do not pass; one that does not say it (`typ: at+jwt`) needs a claim that only access tokens
  have: `scope`, `scp`, `client_id` or `appid`. New keys are found at once, the last good ones are used while the
  provider is away.
- `introspection`: the provider is asked whether it is active, with `clientId` and `clientSecret` (RFC 7662).
- `userinfo`: the provider is asked for the claims of its user. It does not tell the scopes of the token.

A token is remembered until its `exp`, for `maxFederationExpirationTime` seconds at most unless that is -1, and until
the provider's keys change. One without `exp` is remembered only where `maxFederationExpirationTime` sets a time. Of
`maxCacheSize` tokens the oldest go first, and 0 remembers none. A refusal is remembered for two seconds. Requests with
the same token at the same time wait for one question.

`scopes` are separated by spaces; a token needs all of them (`AND`) or one of them (`OR`). Later policies find the
claims as `authentication.properties.claims`. With `skipClientIdValidation` off, the claim `client_id` (or else `azp`)
must be the client ID of an application with an active contract.

With `exposeHeaders` the backend gets every claim that is a text, a number or a boolean as `X-AGW-<name>`, but for
`scope` and `exp`. Headers of these names that callers send never reach the backend, whatever the settings. A token that
is bound to a key (`cnf`) is refused, because nothing here checks the proof.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `openid_missing` | there is no bearer token, or more than one |
| 400 | `openid_invalid` | the token is not good: signature, issuer, audience, time, or the provider says so |
| 401 | `openid_unavailable` | the provider does not answer in time, or does not let the gateway ask |
| 403 | `openid_scope` | the token lacks a scope |
| 403 | `openid_client_unknown` | no client application has the client ID of the token |
| 403 | `openid_no_contract` | that application has no active contract for this API |
| 500 | `openid_bad_answer` | the provider is not the issuer, or its answer cannot be read |

The statuses are the documented ones of this policy, where RFC 6750 would say 401 for 400. This policy always fails
closed.
"""

from hashlib import sha256

from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.openid_provider import SignatureCheck, asking
from gateway_runtime.policies.openid_settings import CheckedBy, Config
from gateway_runtime.policies.token_answers import TokenAnswers
from gateway_runtime.policies.token_enforcement import Demands, enforcing, read_scopes, token_refusals
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition

PREFIX = "openid"


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the check and the refusals."""
    signature = SignatureCheck(config, runtime) if config.checked_by is CheckedBy.SIGNATURE else None
    # Those of another provider, checked otherwise or kept for longer, are other answers.
    asked = (
        config.issuer, config.endpoint(), config.checked_by, config.client_id, config.client_secret,
        config.audiences, config.max_federation_expiration_time,
    )  # fmt: skip
    answers = TokenAnswers(
        runtime, sha256(repr(asked).encode()).hexdigest(), signature.known if signature else asking(config, runtime),
        of=config.issuer or config.endpoint(), entries=config.max_cache_size,
    )  # fmt: skip
    demands = Demands(
        read_scopes(config.scopes), config.scope_validation_criteria, config.expose_headers,
        needs_contract=not config.skip_client_id_validation,
    )  # fmt: skip
    return enforcing(runtime, PREFIX, demands, answers, signature.current if signature else None)


DEFINITION = PolicyDefinition(
    name="openidconnect-access-token-enforcement",
    title="OpenID Connect access token enforcement",
    summary="Lets requests pass only with an access token of one OpenID provider.",
    category=Category.SECURITY,
    icon="login-2",
    config=Config,
    build=build,
    default_order=170,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "issuer": "https://login.example",
        "checkedBy": "signature",
        "audiences": "https://api.example",
        "authenticationTimeout": 10_000,
        "scopes": "orders:read",
        "scopeValidationCriteria": "AND",
        "secureTrustStore": False,
        "exposeHeaders": True,
        "skipClientIdValidation": True,
        "maxFederationExpirationTime": -1,
        "maxCacheSize": 1000,
    },
    refusals=token_refusals(PREFIX, "provider"),
    needs_contracts=lambda config: not config.skip_client_id_validation,
    documentation=__doc__ or "",
)
