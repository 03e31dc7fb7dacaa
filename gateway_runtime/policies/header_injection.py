"""# Header injection

Adds headers with fixed values to the request that goes to the backend, to the response that goes to the caller, or to
both.

## When to use it

To tell a backend which gateway or environment a request came through, to hand it a key that callers must not know, or
to add security headers to every answer.

## Example

```yaml
policyRef:
  name: header-injection
config:
  inboundHeaders:
    - key: x-environment
      value: production
  outboundHeaders:
    - key: strict-transport-security
      value: max-age=31536000
```

## What it does

`inboundHeaders` go to the backend, `outboundHeaders` to the caller. A header that is already there is kept and one more
value is added, except `access-control-allow-origin` and `content-type`, which are replaced. Headers that frame a
message or belong to one connection (`content-length`, `transfer-encoding`, `connection`, `host` and the like) cannot be
injected: the gateway sets them itself.

This policy refuses no request.
"""

from typing import Annotated

from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

REPLACED = frozenset({b"access-control-allow-origin", b"content-type"})
# The exchange writes these from the canonical request; a second value would let two readers frame it differently.
RESERVED = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


class InjectedHeader(PolicyConfig, frozen=True):
    """One header to add."""

    key: Annotated[
        str,
        setting(
            "Name", "Letters, digits and dashes.", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100,
            placeholder="x-environment",
        ),
    ]  # fmt: skip
    value: Annotated[str, setting("Value", "The value to send, as it stands.", max_length=4000)]

    def __post_init__(self) -> None:
        if self.key.lower() in RESERVED:
            raise ValueError(f"The gateway sets “{self.key}” itself, so it cannot be injected")
        if any(ord(c) < 32 or ord(c) == 127 for c in self.value):
            raise ValueError("A header value cannot contain line breaks or other control characters")
        if self.value.startswith("#["):
            raise ValueError("Only fixed values can be injected, not expressions in “#[…]”")


class Config(PolicyConfig, frozen=True):
    """The headers to add in each direction."""

    inbound_headers: Annotated[
        list[InjectedHeader],
        setting("Inbound headers", "Added to the request that goes to the backend.", max_length=50),
    ] = []
    outbound_headers: Annotated[
        list[InjectedHeader],
        setting("Outbound headers", "Added to the response that goes to the caller.", max_length=50),
    ] = []

    def __post_init__(self) -> None:
        if not self.inbound_headers and not self.outbound_headers:
            raise ValueError("Give at least one inbound or outbound header")


def _wire(headers: list[InjectedHeader]) -> tuple[Headers, frozenset[bytes]]:
    """Return the headers as bytes, and the names whose present values go first."""
    pairs = [(header.key.lower().encode(), header.value.encode()) for header in headers]
    return pairs, frozenset(name for name, _ in pairs) & REPLACED


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Encode the headers once; a request is one list extension."""
    inbound, inbound_replaced = _wire(config.inbound_headers)
    outbound, outbound_replaced = _wire(config.outbound_headers)

    def on_request(context: RequestContext) -> None:
        if inbound_replaced:
            context.headers = [pair for pair in context.headers if pair[0] not in inbound_replaced]
        context.headers += inbound

    def on_response(context: RequestContext) -> None:
        if outbound_replaced:
            context.response_headers = [p for p in context.response_headers if p[0] not in outbound_replaced]
        context.response_headers += outbound

    return Handlers(request_headers=on_request if inbound else None, response_headers=on_response if outbound else None)


DEFINITION = PolicyDefinition(
    name="header-injection",
    title="Header injection",
    summary="Adds headers with fixed values to requests, responses or both.",
    category=Category.TRANSFORMATION,
    icon="playlist-add",
    config=Config,
    build=build,
    default_order=400,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={
        "inboundHeaders": [{"key": "x-environment", "value": "production"}],
        "outboundHeaders": [{"key": "strict-transport-security", "value": "max-age=31536000"}],
    },
    documentation=__doc__ or "",
)
