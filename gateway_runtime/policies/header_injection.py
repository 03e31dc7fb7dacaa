"""# Header injection

Adds headers to the request that goes to the backend, to the response that goes to the caller, or to both.

## When to use it

To tell a backend which gateway or environment a request came through, to hand it a key that callers must not know, or
to add security headers to every answer, or to tell a backend who calls.

## Example

```yaml
policyRef:
  name: header-injection
config:
  inboundHeaders:
    - key: x-environment
      value: production
    - key: x-caller
      value: "#[authentication.clientName]"
  outboundHeaders:
    - key: strict-transport-security
      value: max-age=31536000
```

## What it does

`inboundHeaders` go to the backend, `outboundHeaders` to the caller. A header that is already there is kept and one more
value is added, except `access-control-allow-origin` and `content-type`, which are replaced. Headers that frame a
message or belong to one connection (`content-length`, `transfer-encoding`, `connection`, `host` and the like) cannot be
injected: the gateway sets them itself.

A value is text, which may hold expressions: of the request in `inboundHeaders`, of the response in `outboundHeaders`.
Where an expression alone gives null, the header is not added. Spaces and tabs around what an expression gives are left
out. A line break or another control character in it, as a caller may have sent in a query parameter, is never written:
the request is refused.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 500 | `header_injection_not_evaluated` | an expression cannot be evaluated |
| 500 | `header_injection_unsafe` | it gives a control character, or more than 8 192 bytes |

An expression of `outboundHeaders` that fails takes the place of the backend's answer.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from gateway_runtime.expressions.errors import ExpressionError
from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.expression import ExpressionSetting, expression
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

REPLACED = frozenset({b"access-control-allow-origin", b"content-type"})
# The exchange writes these from the canonical request; a second value would let two readers frame it differently.
RESERVED = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
LONGEST_VALUE = 8_192  # bytes of what an expression gives
OF_REQUEST = ExpressionSetting(text=True)
OF_RESPONSE = ExpressionSetting(text=True, response=True)

# RFC 9110 section 5.5: of control characters a value may hold tabs alone.
_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def check_value(value: str, takes: ExpressionSetting) -> None:
    """Raise `ValueError` where a value is the same for every request and cannot be sent."""
    try:
        compiled = compile_for(takes, value)
    except ExpressionError:
        return  # told with its character by the check of all expressions
    if compiled.constant and any(ord(c) < 32 or ord(c) == 127 for c in compiled.value or ""):
        raise ValueError("A header value cannot contain line breaks or other control characters")


class InjectedHeader(PolicyConfig, frozen=True):
    """The name of a header to add."""

    key: Annotated[
        str,
        setting(
            "Name", "Letters, digits and dashes.", pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100,
            placeholder="x-environment",
        ),
    ]  # fmt: skip

    def __post_init__(self) -> None:
        if self.key.lower() in RESERVED:
            raise ValueError(f"The gateway sets “{self.key}” itself, so it cannot be injected")


class InboundHeader(InjectedHeader, frozen=True):
    """One header for the backend."""

    value: Annotated[str, expression("Value", "The value to send.", OF_REQUEST, max_length=4000)]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value(self.value, OF_REQUEST)


class OutboundHeader(InjectedHeader, frozen=True):
    """One header for the caller."""

    value: Annotated[str, expression("Value", "The value to send.", OF_RESPONSE, max_length=4000)]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value(self.value, OF_RESPONSE)


class Config(PolicyConfig, frozen=True):
    """The headers to add in each direction."""

    inbound_headers: Annotated[
        list[InboundHeader],
        setting("Inbound headers", "Added to the request that goes to the backend.", max_length=50),
    ] = []
    outbound_headers: Annotated[
        list[OutboundHeader],
        setting("Outbound headers", "Added to the response that goes to the caller.", max_length=50),
    ] = []

    def __post_init__(self) -> None:
        if not self.inbound_headers and not self.outbound_headers:
            raise ValueError("Give at least one inbound or outbound header")


# Gives the values of one request, or the refusal where there are none.
_Values = Callable[[RequestContext], "Headers | Response"]


def _wire(headers: list[Any], takes: ExpressionSetting, runtime: PolicyRuntime) -> tuple[Headers, _Values | None]:
    """Return the headers as bytes where all are fixed, else what gives them for a request."""
    compiled = [(header.key.lower().encode(), compile_for(takes, header.value)) for header in headers]
    if all(each.constant for _, each in compiled):
        return [(name, wire(each.value)) for name, each in compiled if each.value is not None], None
    parts = [
        (name, None if each.constant and each.value is None else wire(each.value or ""), each.evaluate, each.constant)
        for name, each in compiled
    ]
    not_evaluated = runtime.refusal("header_injection_not_evaluated")
    unsafe = runtime.refusal("header_injection_unsafe")

    def values(context: RequestContext) -> Headers | Response:
        found: Headers = []
        for name, fixed, evaluate, constant in parts:
            if constant:
                if fixed is not None:
                    found.append((name, fixed))
                continue
            value = evaluate(context)
            if type(value) is not str:
                if value is None:
                    continue
                return not_evaluated
            data = wire(value).strip(b" \t")
            if len(data) > LONGEST_VALUE or _control(data) is not None:
                return unsafe
            found.append((name, data))
        return found

    return [], values


def _replaced(headers: list[Any]) -> frozenset[bytes]:
    """Return the names whose present values go first."""
    return frozenset(header.key.lower().encode() for header in headers) & REPLACED


def _without(present: Headers, replaced: frozenset[bytes], added: Headers) -> Headers:
    """Return the headers but those that are added anew. One that gets no value is kept."""
    gone = replaced.intersection([name for name, _ in added])
    return [pair for pair in present if pair[0] not in gone]


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Encode fixed headers once; a request is one list extension then."""
    inbound, inbound_values = _wire(config.inbound_headers, OF_REQUEST, runtime)
    outbound, outbound_values = _wire(config.outbound_headers, OF_RESPONSE, runtime)
    inbound_replaced, outbound_replaced = _replaced(config.inbound_headers), _replaced(config.outbound_headers)

    def on_request(context: RequestContext) -> None:
        if inbound_replaced:
            context.headers = _without(context.headers, inbound_replaced, inbound)
        context.headers += inbound

    def on_response(context: RequestContext) -> None:
        if outbound_replaced:
            context.response_headers = _without(context.response_headers, outbound_replaced, outbound)
        context.response_headers += outbound

    def evaluate_request(context: RequestContext) -> Response | None:
        assert inbound_values is not None
        found = inbound_values(context)
        if isinstance(found, Response):
            return found
        context.headers = _without(context.headers, inbound_replaced, found) + found
        return None

    def evaluate_response(context: RequestContext) -> None:
        assert outbound_values is not None
        found = outbound_values(context)
        if isinstance(found, Response):
            raise Refused(found)
        context.response_headers = _without(context.response_headers, outbound_replaced, found) + found

    return Handlers(
        request_headers=evaluate_request if inbound_values else on_request if inbound else None,
        response_headers=evaluate_response if outbound_values else on_response if outbound else None,
    )


DEFINITION = PolicyDefinition(
    name="header-injection",
    title="Header injection",
    summary="Adds headers to requests, responses or both.",
    category=Category.TRANSFORMATION,
    icon="playlist-add",
    config=Config,
    build=build,
    default_order=400,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    judges=False,
    example={
        "inboundHeaders": [
            {"key": "x-environment", "value": "production"},
            {"key": "x-caller", "value": "#[authentication.clientName]"},
        ],
        "outboundHeaders": [{"key": "strict-transport-security", "value": "max-age=31536000"}],
    },
    refusals=(
        Refusal(
            code="header_injection_not_evaluated", status=500, title="Header not made",
            detail="A header of this API could not be made for this request.",
        ),
        Refusal(
            code="header_injection_unsafe", status=500, title="Header not made",
            detail="A header of this API would have held control characters or too much text for this request.",
        ),
    ),
    documentation=__doc__ or "",
)  # fmt: skip
