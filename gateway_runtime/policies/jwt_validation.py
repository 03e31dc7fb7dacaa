"""# JWT validation

Lets a request pass only with a signed token (JSON Web Token, RFC 7519) whose signature, times and claims are right.

## When to use it

Where callers get tokens from an identity provider and the API has to trust what they say, without asking the provider
for each request.

## Example

```yaml
policyRef:
  name: jwt-validation
config:
  signingMethod: rsa
  signingKeyLength: 256
  jwtKeyOrigin: jwks
  jwksUrl: https://login.example/.well-known/jwks.json
  validateAudClaim: true
  mandatoryAudClaim: true
  supportedAudiences: https://api.example
  mandatoryExpClaim: true
  validateCustomClaim: true
  mandatoryCustomClaims:
    - key: iss
      value: https://login.example
```

## What it does

The token is the one in `Authorization: Bearer …`, or what `jwtExpression` gives, such as
`#[attributes.headers['jwt']]`, where `jwtOrigin` is `customExpression`. It is passed on unchanged.

`signingMethod` and `signingKeyLength` say the one algorithm that is accepted (RS256, HS256, ES256, …), whatever a token
says about itself; unsigned and encrypted tokens never are. Keys are a text (an RSA or EC public key of PEM form without
its first and last line, or an HMAC secret of 32, 48 or 64 characters at least) or key sets at one or several URLs. RSA
keys have 2048 bits or more. Keys that a token brings along or points to are not looked at.

A key set is fetched when it is first needed and renewed before `jwksServiceTimeToLive` minutes are over. When that
fails it is tried again ever more seldom, and the last good set is used for 24 hours. A token with an unknown key makes
the gateway look once more, at most every 10 seconds. Redirects are not followed.

`exp` and `nbf` are always checked where they are there. `supportedAudiences` are separated by commas; one of them must
be an audience of the token, letter by letter. A custom claim is compared with a text (numbers and booleans as JSON
writes them), or its expression over `vars.claimSet` has to give true, as in
`#[vars.claimSet.scope contains 'orders:read']`. To accept access tokens alone, and neither ID nor refresh tokens, say
with `supportedTypes` what their header calls them (`at+jwt`, RFC 9068), or ask for the claim that tells them apart,
such as `token_use`. Later policies find the claims as `authentication.properties.claims`.

With `skipClientIdValidation` off, what `clientIdExpression` gives must be the client ID of an application with an
active contract, which is then known to later policies and in analytics. A verified token is remembered until it expires
or the keys change.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `jwt_missing` | there is no token, or more than one |
| 401 | `jwt_malformed` | the token cannot be read, or asks for an extension that is not known |
| 401 | `jwt_algorithm` | it is signed with another algorithm than the accepted one |
| 401 | `jwt_key_unknown` | it is signed with a key that is not in the key set |
| 401 | `jwt_signature` | its signature is wrong |
| 401 | `jwt_expired` | its time is over |
| 401 | `jwt_not_yet_valid` | its time has not come |
| 401 | `jwt_type` | it is another type of token than the accepted ones |
| 401 | `jwt_audience` | it is for somebody else |
| 401 | `jwt_claim` | a claim is missing or not the required one |
| 401 | `jwt_client_unknown` | no client application has the client ID in it |
| 403 | `jwt_no_contract` | that application has no active contract for this API |
| 503 | `jwt_keys_unavailable` | no key set could be fetched yet |

The 401 answers carry `WWW-Authenticate: Bearer`. This policy always fails closed.
"""

from gateway_runtime.policies.jwt_checking import build
from gateway_runtime.policies.jwt_settings import Config
from gateway_runtime.schema.policy import Category, Phase, PolicyDefinition, Refusal

_GET_ANOTHER = "Get a new token and try again."

DEFINITION = PolicyDefinition(
    name="jwt-validation",
    title="JWT validation",
    summary="Lets requests pass only with a signed token whose signature and claims are right.",
    category=Category.SECURITY,
    icon="certificate",
    config=Config,
    build=build,
    default_order=150,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "jwtOrigin": "httpBearerAuthenticationHeader",
        "jwtExpression": "#[attributes.headers['jwt']]",
        "signingMethod": "rsa",
        "signingKeyLength": 256,
        "jwtKeyOrigin": "jwks",
        "jwksUrl": "https://login.example/.well-known/jwks.json",
        "jwksServiceTimeToLive": 60,
        "jwksServiceConnectionTimeout": 10_000,
        "validateAudClaim": True,
        "mandatoryAudClaim": True,
        "supportedAudiences": "https://api.example",
        "mandatoryExpClaim": True,
        "mandatoryNbfClaim": False,
        "validateCustomClaim": True,
        "mandatoryCustomClaims": [{"key": "iss", "value": "https://login.example"}],
        "nonMandatoryCustomClaims": [],
        "supportedTypes": "",
        "skipClientIdValidation": True,
        "clientIdExpression": "#[vars.claimSet.client_id]",
    },
    refusals=(
        Refusal(
            code="jwt_missing", status=400, title="Token required",
            detail="This API needs one token (JWT). Send it as Authorization: Bearer, or as the API's pages say.",
        ),
        Refusal(code="jwt_malformed", status=401, title="Token not accepted", detail="The token cannot be read."),
        Refusal(
            code="jwt_algorithm", status=401, title="Token not accepted",
            detail="The token is not signed with the algorithm that this API accepts.",
        ),
        Refusal(
            code="jwt_key_unknown", status=401, title="Token not accepted",
            detail="The token is signed with a key that this API does not know.",
        ),
        Refusal(
            code="jwt_signature", status=401, title="Token not accepted", detail="The signature of the token is wrong."
        ),
        Refusal(code="jwt_expired", status=401, title="Token expired", detail=f"The token has expired. {_GET_ANOTHER}"),
        Refusal(
            code="jwt_not_yet_valid", status=401, title="Token not yet valid", detail="The token is not valid yet."
        ),
        Refusal(
            code="jwt_type", status=401, title="Token not accepted",
            detail="The token is of another type than this API accepts, such as an ID token.",
        ),
        Refusal(
            code="jwt_audience", status=401, title="Token not accepted", detail="The token is not meant for this API."
        ),
        Refusal(
            code="jwt_claim", status=401, title="Token not accepted",
            detail="A claim that this API needs is missing in the token or has another value.",
        ),
        Refusal(
            code="jwt_client_unknown", status=401, title="Client not known",
            detail="No client application has the client ID that is in the token.",
        ),
        Refusal(
            code="jwt_no_contract", status=403, title="No contract",
            detail="The client application of this token has no active contract for this API. Request access to it.",
        ),
        Refusal(
            code="jwt_keys_unavailable", status=503, title="Keys not available",
            detail="The keys that tokens are checked with cannot be fetched now. Try again later.",
        ),
    ),
    needs_contracts=lambda config: not config.skip_client_id_validation,
    documentation=__doc__ or "",
)  # fmt: skip
