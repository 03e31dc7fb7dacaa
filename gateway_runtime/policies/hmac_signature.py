"""# HMAC signature

Lets a request pass only when it is signed with a shared secret: HTTP Message Signatures (RFC 9421) with `hmac-sha256`.

## When to use it

Where programs call an API that must be sure who calls, that nothing has been changed on the way, and that nobody sends
the same request a second time, and where tokens or client certificates are too much.

## Example

```yaml
policyRef:
  name: hmac-signature
config:
  keys: "shop:9f2c41d07a55e8b3c6d1f0a94e7b2c58 stock:1b7d3e95f0c842a6b8e4d7136a5c90f2"
  components: "@method @authority @path @query"
  clockSkewSeconds: 300
```

```
POST /orders?dry=1 HTTP/1.1
Host: api.example
Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
Signature-Input: sig1=("@method" "@authority" "@path" "@query" "content-digest");created=1618884473;keyid="shop"
Signature: sig1=:JTCvi9aT7jfaveKMEudosc0HzspQ4rOKC09aywUdhQw=:

{"hello": "world"}
```

## What it does

`keys` are pairs of a key ID and a secret with a colon between them, separated by spaces. A secret has 32 characters at
least. One ID may be there twice, so that a secret can be changed without an interruption. The gateway has only digests
of the secrets of client applications, so these secrets are settings of the policy. Nothing else in a request says how
it is signed: the algorithm is `hmac-sha256`, whatever `alg` says, and any other name in it is refused.

A request has one signature. It must cover every one of the `components`: header names, `@method`, `@authority`,
`@path`, `@query` or `@request-target`, which stands for the last two. `created` must be there and not further from the
gateway's clock than `clockSkewSeconds`; `expires` counts where it is there. A body must be covered by its
`Content-Digest` (RFC 9530, `sha-256` or `sha-512`) unless `requireBodyDigest` is off, and a digest that is covered must
be right; the body is then read before it is sent on, up to the gateway's limit (413 above it).

A signature is accepted once. Who sends the same request again on purpose signs it anew: with another `created`, or with
a `nonce`. What has been accepted is remembered in the shared storage, by all replicas, until it is too old anyway.
Without a shared storage each worker knows only what it has seen itself, of the last 200 000 requests. While the shared
storage is away requests are refused (503) unless `closedWithoutStorage` is off; then each worker goes on with its own
memory. With `replayProtection` off nothing is remembered and no request waits.

With `skipClientIdValidation` off the key ID must be the client ID of an application with an active contract, which is
then known to later policies and in analytics. The signature goes on to the backend as it came. Signatures of the drafts
before the RFC (`Authorization: Signature …`, `hmac …`) are not accepted.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 401 | `hmac_missing` | there is no signature |
| 401 | `hmac_unreadable` | there is more than one, it cannot be read, or it covers what is not there |
| 401 | `hmac_algorithm` | it says another algorithm |
| 401 | `hmac_components` | it does not cover all that it has to |
| 401 | `hmac_clock` | `created` is missing or too far from the gateway's clock, or it has expired |
| 401 | `hmac_invalid` | the key ID is unknown or the signature is wrong |
| 401 | `hmac_digest` | the body is not covered, or is not the one that was signed |
| 401 | `hmac_replayed` | the signature has been accepted before |
| 403 | `hmac_no_contract` | the application has no active contract for this API |
| 503 | `hmac_storage_away` | it cannot be found out whether the signature has been accepted before |

The 401 answers carry an `Accept-Signature` that says what has to be covered. This policy always fails closed.
"""

from collections.abc import Awaitable
from hashlib import sha256
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.http_signature import (
    ALGORITHM,
    DERIVED,
    Signature,
    Unreadable,
    digest_fits,
    read_signature,
    signature_base,
    verifies,
)
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, Refusal, setting
from gateway_runtime.state.pipe import UNKNOWN

REMEMBERED = 200_000
SECRET_LENGTH = 32
DIGEST = b"content-digest"
TARGET = b"@request-target"
OF_TARGET = frozenset({b"@path", b"@query"})
CODES = (
    "hmac_missing", "hmac_unreadable", "hmac_algorithm", "hmac_components", "hmac_clock", "hmac_invalid", "hmac_digest",
    "hmac_replayed",
)  # fmt: skip


class Config(PolicyConfig, frozen=True):
    """The secrets, and what a signature has to cover."""

    keys: Annotated[
        str,
        setting(
            "Keys", "Pairs of a key ID and a secret of 32 characters or more, id:secret, separated by spaces.",
            secret=True, min_length=1, max_length=60_000,
        ),
    ]  # fmt: skip
    components: Annotated[
        str,
        setting("Components", "What a signature has to cover: header names and @-names, with spaces.", max_length=2000),
    ] = "@method @authority @path @query"
    require_body_digest: Annotated[
        bool, setting("Body covered", "A body must be covered by its Content-Digest. It is read before it is sent on.")
    ] = True
    clock_skew_seconds: Annotated[
        int, setting("Clock skew", "How many seconds the time of a signature may be from the gateway's.", ge=1, le=3600)
    ] = 300
    replay_protection: Annotated[
        bool, setting("Once only", "Accept each signature once, on all replicas with a shared storage.")
    ] = True
    closed_without_storage: Annotated[
        bool, setting("Closed without storage", "Refuse requests while the shared storage is away.")
    ] = True
    skip_client_id_validation: Annotated[
        bool, setting("Any key", "Off: the key ID must be the client ID of an application with an active contract.")
    ] = True

    def __post_init__(self) -> None:
        if not self.secrets():
            raise ValueError("Give at least one key")
        for each in self.components.split():
            if not each.isascii() or '"' in each or each != each.lower() or ")" in each:
                raise ValueError("Components are names in small letters, separated by spaces")
            if each.startswith("@") and each.encode() not in DERIVED:
                known = ", ".join(sorted(name.decode() for name in DERIVED))
                raise ValueError(f"“{each[:50]}” is no component that this gateway knows: {known}, or a header")

    def secrets(self) -> dict[bytes, tuple[bytes, ...]]:
        """Return the secrets by key ID. Raises `ValueError` with a sentence that does not quote them."""
        found: dict[bytes, tuple[bytes, ...]] = {}
        for number, pair in enumerate(self.keys.split(), 1):
            name, colon, secret = pair.partition(":")
            if not colon or not name or not name.isascii() or '"' in name or "\\" in name:
                raise ValueError(f"Pair {number} of the keys is not a key ID, a colon and a secret")
            if len(secret) < SECRET_LENGTH:
                raise ValueError(f"The secret of pair {number} has fewer than {SECRET_LENGTH} characters")
            found[name.encode()] = (*found.get(name.encode(), ()), secret.encode())
        return found


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare secrets and refusals."""
    secrets = config.secrets()
    # Who sends an ID that is not there must wait as long as everybody else.
    nobody = (sha256(config.keys.encode()).digest(),)
    required = frozenset(config.components.encode().split())
    skew, digest_needed = config.clock_skew_seconds, config.require_body_digest
    covered = " ".join(f'"{name.decode()}"' for name in sorted(required))
    wanted = f'sig1=({covered});created;keyid;alg="hmac-sha256"'
    refusals = {code: runtime.refusal(code, headers=((b"accept-signature", wanted.encode()),)) for code in CODES}
    no_contract = runtime.refusal("hmac_no_contract")
    away = runtime.refusal("hmac_storage_away", headers=((b"retry-after", b"5"),))
    binding, consumers, now = runtime.binding, runtime.consumers, runtime.now
    needs_contract, closed = not config.skip_client_id_validation, config.closed_without_storage
    seen = runtime.cache("signatures", entries=REMEMBERED, shared=True) if config.replay_protection else None
    own = runtime.cache("own signatures", entries=REMEMBERED, shared=False) if config.replay_protection else None

    def check(context: RequestContext) -> Response | NeedsBody | Awaitable[Response | None] | None:
        try:
            signature = read_signature(context)
            if signature is None:
                return refusals["hmac_missing"]
            base = signature_base(context, signature)
        except Unreadable:
            return refusals["hmac_unreadable"]
        if signature.algorithm != ALGORITHM:
            return refusals["hmac_algorithm"]
        names = frozenset(signature.components)
        if not required <= (names | OF_TARGET if TARGET in names else names):
            return refusals["hmac_components"]
        time, created, expires = now(), signature.created, signature.expires
        if created is None or abs(time - created) > skew or (expires is not None and time >= expires):
            return refusals["hmac_clock"]
        fits = False
        for secret in secrets.get(signature.key_id, nobody):
            # No early end: the time taken must not tell which of two secrets was right.
            fits |= verifies(secret, base, signature.value)
        if not fits or signature.key_id not in secrets:
            return refusals["hmac_invalid"]
        if DIGEST in names:
            context.note(binding, signature)
            return NEEDS_BODY if context.body_length else check_body(context)
        if digest_needed and context.body_length:
            return refusals["hmac_digest"]
        return accept(context, signature)

    def check_body(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        assert context.notes is not None
        field = context.only_header(DIGEST)
        if field is None or not digest_fits(field, context.body or b""):
            return refusals["hmac_digest"]
        return accept(context, context.notes[binding])

    def accept(context: RequestContext, signature: Signature) -> Response | Awaitable[Response | None] | None:
        if needs_contract:
            consumer = consumers.by_client_id(signature.key_id)
            if consumer is None:
                return no_contract
            context.application = consumer.id
            context.application_name = consumer.name
        context.principal = signature.key_id
        return None if seen is None else once(signature)

    async def once(signature: Signature) -> Response | None:
        assert seen is not None
        assert own is not None
        assert signature.created is not None
        # The same bytes mean the same signature only with the same key and parameters, which it is made of.
        key = sha256(signature.key_id + b" " + signature.value).hexdigest()
        seconds = signature.created + skew - now() + 1
        added = await seen.first(key, seconds)
        if added is UNKNOWN:
            if closed:
                return away
            added = await own.first(key, seconds)
        return None if added else refusals["hmac_replayed"]

    return Handlers(request_headers=check, request_body=check_body)


_SIGN = "Sign the request as RFC 9421 says, with hmac-sha256."

DEFINITION = PolicyDefinition(
    name="hmac-signature",
    title="HMAC signature",
    summary="Lets requests pass only when they are signed with a shared secret.",
    category=Category.SECURITY,
    icon="signature",
    config=Config,
    build=build,
    default_order=180,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    example={
        "keys": "shop:9f2c41d07a55e8b3c6d1f0a94e7b2c58 stock:1b7d3e95f0c842a6b8e4d7136a5c90f2",
        "components": "@method @authority @path @query",
        "requireBodyDigest": True,
        "clockSkewSeconds": 300,
        "replayProtection": True,
        "closedWithoutStorage": True,
        "skipClientIdValidation": True,
    },
    refusals=(
        Refusal(code="hmac_missing", status=401, title="Signature required", detail=_SIGN),
        Refusal(
            code="hmac_unreadable", status=401, title="Signature not accepted",
            detail="There is not exactly one signature, or it cannot be read, or it covers what is not there.",
        ),
        Refusal(code="hmac_algorithm", status=401, title="Signature not accepted", detail=_SIGN),
        Refusal(
            code="hmac_components", status=401, title="Signature not accepted",
            detail="The signature does not cover everything that Accept-Signature names.",
        ),
        Refusal(
            code="hmac_clock", status=401, title="Signature too old",
            detail="The time of the signature is missing or too far from now. Check the clock and sign anew.",
        ),
        Refusal(
            code="hmac_invalid", status=401, title="Signature not accepted",
            detail="The key ID is unknown or the signature is wrong.",
        ),
        Refusal(
            code="hmac_digest", status=401, title="Body not accepted",
            detail="The body has to be the one whose Content-Digest is signed.",
        ),
        Refusal(
            code="hmac_replayed", status=401, title="Signature used before",
            detail="This signature has been accepted before. Sign anew, with a nonce where the time is the same.",
        ),
        Refusal(
            code="hmac_no_contract", status=403, title="No contract",
            detail="The application with this key ID has no active contract for this API. Request access to it.",
        ),
        Refusal(
            code="hmac_storage_away", status=503, title="Signature not checked",
            detail="It cannot be found out now whether this signature has been used before. Try again later.",
        ),
    ),
    needs_contracts=lambda config: not config.skip_client_id_validation,
    documentation=__doc__ or "",
)  # fmt: skip
