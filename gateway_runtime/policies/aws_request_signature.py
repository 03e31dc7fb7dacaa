"""# AWS request signature

Signs requests to the backend with AWS Signature Version 4.

## When to use it

For a backend of Amazon Web Services, or one that speaks like it (an S3 compatible store, OpenSearch, API Gateway with
IAM authorization), whose credentials callers must not know. Authenticate callers by another policy: this one lets
everybody use the credentials.

## Example

```yaml
policyRef:
  name: aws-request-signature
config:
  region: eu-central-1
  service: s3
  accessKeyId: AKIDEXAMPLE
  secretAccessKey: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
  payload: signed
```

## What it does

When it is known which target a request goes to, the policy signs what is sent there: method, path, query, the host of
that target, `Content-Type`, `Content-MD5`, `Range`, every `X-Amz-…` header and the digest of the body. It sets
`X-Amz-Date`, `X-Amz-Security-Token` where there is a `sessionToken`, `X-Amz-Content-Sha256` for S3 and unsigned bodies,
and `Authorization`; what callers send of these goes. A request that is sent to another target after a failure is signed
anew. Changes by other policies are signed too, whatever the order.

With `payload: signed` the body is read before it is sent on, up to the gateway's limit (413 above it). With `unsigned`
it streams, and only `UNSIGNED-PAYLOAD` is signed in its place, which S3 takes over TLS. A `+` in a query is signed as
the space that services read in it. The asymmetric SigV4A is not spoken. Bind it to a Service or to an ApiInstance.

This policy refuses no request: what the backend says to the signature is passed on.
"""

import enum
import hashlib
from typing import Annotated

from gateway_runtime.policies.aws_signature import EMPTY, UNSIGNED, Credentials, Signer
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.credential_injection import checked_value
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

# What the policy writes itself.
OURS = frozenset({b"authorization", b"x-amz-date", b"x-amz-content-sha256", b"x-amz-security-token"})
# Headers that arrive as they leave here, and mean something to services. Others may be changed on the way.
SIGNED = frozenset({b"content-type", b"content-md5", b"range"})


class Payload(enum.StrEnum):
    """Whether the body is signed."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"


class Config(PolicyConfig, frozen=True):
    """The credentials, and what they are for."""

    region: Annotated[
        str,
        setting(
            "Region", "The region of the service.", pattern="^[a-z0-9-]+$", max_length=100, placeholder="eu-central-1"
        ),
    ]
    service: Annotated[
        str,
        setting(
            "Service",
            "The name of the service in signatures.",
            pattern="^[a-z0-9-]+$",
            max_length=100,
            placeholder="s3",
        ),
    ]
    access_key_id: Annotated[
        str, setting("Access key ID", "The ID of the key.", pattern="^[A-Za-z0-9_-]+$", max_length=200)
    ]
    secret_access_key: Annotated[
        str, setting("Secret access key", "The secret of the key.", secret=True, min_length=1, max_length=500)
    ]
    session_token: Annotated[
        str, setting("Session token", "What belongs to a temporary key.", secret=True, max_length=8000)
    ] = ""
    payload: Annotated[Payload, setting("Body", "Signed: it is read before it is sent on. Unsigned: it streams.")] = (
        Payload.SIGNED
    )

    def __post_init__(self) -> None:
        checked_value("The secret access key", self.secret_access_key)
        checked_value("The session token", self.session_token)
        if not self.session_token.isascii():
            raise ValueError("The session token has letters that no header can carry")


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the signer."""
    signer = Signer(
        Credentials(config.region, config.service, config.access_key_id, config.secret_access_key, config.session_token)
    )
    signed = config.payload is Payload.SIGNED
    now = runtime.now

    def prepare(context: RequestContext) -> NeedsBody | None:
        def sign(host: bytes) -> None:
            kept = [pair for pair in context.headers if pair[0] not in OURS]
            chosen = [pair for pair in kept if pair[0] in SIGNED or pair[0].startswith(b"x-amz-")]
            body = context.body
            payload = (hashlib.sha256(body).hexdigest() if body else EMPTY) if signed else UNSIGNED
            context.headers = kept + signer.sign(
                context.method, context.forward_path, context.query, [(b"host", host), *chosen], payload, now()
            )

        context.before_sending(sign)
        return NEEDS_BODY if signed and context.body_length else None

    def have_body(context: RequestContext) -> None:
        """Nothing is left to do: the body is signed when it is sent, as other policies may have left it."""

    return Handlers(request_headers=prepare, request_body=have_body)


DEFINITION = PolicyDefinition(
    name="aws-request-signature",
    title="AWS request signature",
    summary="Signs requests to the backend with AWS Signature Version 4.",
    category=Category.SECURITY,
    icon="signature",
    config=Config,
    build=build,
    default_order=430,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    judges=False,
    example={
        "region": "eu-central-1",
        "service": "s3",
        "accessKeyId": "AKIDEXAMPLE",
        "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "payload": "signed",
    },
    documentation=__doc__ or "",
)
