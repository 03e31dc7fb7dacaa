"""# Header removal

Takes headers out of the request that goes to the backend, out of the response that goes to the caller, or out of both.

## When to use it

To keep from callers what a backend says about itself (`server`, `x-powered-by`), or to keep from a backend what only
the gateway needs.

## Example

```yaml
policyRef:
  name: header-removal
config:
  inboundHeaders:
    - x-debug
  outboundHeaders:
    - server
    - x-powered-.*
```

## What it does

Each entry is a header name, or an RE2 pattern for a whole name; case does not matter. `inboundHeaders` are taken out of
the request, `outboundHeaders` out of the response. These stay, whatever an entry says: `accept`, `connection`,
`content-length`, `content-type`, `date`, `host` and `transfer-encoding`.

A header that a policy further on adds is not taken away: put this policy after it.

An entry may be an expression instead, as `#[attributes.queryParams.hide]`: of the request in `inboundHeaders`, of the
response in `outboundHeaders`. It gives one name and no pattern; where it gives null, nothing is taken out.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 500 | `header_removal_not_evaluated` | an expression cannot be evaluated |

An expression of `outboundHeaders` that fails takes the place of the backend's answer.
"""

from collections.abc import Callable
from typing import Annotated, Any

import re2

from gateway_runtime.expressions.expression import BEGIN
from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.routing.rules import OPTIONS
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

PROTECTED = frozenset({
    b"accept", b"connection", b"content-length", b"content-type", b"date", b"host", b"transfer-encoding",
})  # fmt: skip
# Callers choose names, so what is remembered about them has an end.
REMEMBERED = 1024
LONGEST = 64

OF_REQUEST = ExpressionSetting(text=True)
OF_RESPONSE = ExpressionSetting(text=True, response=True)
_HELP = "A header name, or a pattern for one."
InboundEntry = Annotated[str, expression("Header", _HELP, OF_REQUEST, min_length=1, max_length=200)]
OutboundEntry = Annotated[str, expression("Header", _HELP, OF_RESPONSE, min_length=1, max_length=200)]


def _compile(entry: str) -> Any:
    """Return the pattern of an entry. Raises `ValueError`."""
    if not entry.isascii() or any(ord(c) <= 32 or ord(c) == 127 for c in entry):
        raise ValueError(f"A header name has no spaces, control characters or other signs beyond ASCII: “{entry!a}”")
    try:
        return re2.compile(f"(?i:{entry})".encode(), OPTIONS)
    except re2.error:
        raise ValueError(f"“{entry}” is neither a header name nor a valid RE2 pattern") from None


class Config(PolicyConfig, frozen=True):
    """The headers to take out in each direction."""

    inbound_headers: Annotated[
        list[InboundEntry],
        setting(
            "Inbound headers",
            "Names or patterns of headers that the backend is not to see.",
            max_length=50,
            placeholder="x-debug",
        ),
    ] = []
    outbound_headers: Annotated[
        list[OutboundEntry],
        setting(
            "Outbound headers",
            "Names or patterns of headers that callers are not to see.",
            max_length=50,
            placeholder="x-powered-.*",
        ),
    ] = []

    def __post_init__(self) -> None:
        if not self.inbound_headers and not self.outbound_headers:
            raise ValueError("Give at least one inbound or outbound header")
        for entry in (*self.inbound_headers, *self.outbound_headers):
            if BEGIN not in entry:
                _compile(entry)


class _Stays(dict[bytes, bool]):
    """Tells by its lower-case name whether a header stays, and remembers it."""

    __slots__ = ("_patterns",)

    def __init__(self, entries: list[str]) -> None:
        super().__init__(dict.fromkeys(PROTECTED, True))
        self._patterns = [_compile(entry) for entry in entries]

    def __missing__(self, name: bytes) -> bool:
        stays = not any(pattern.fullmatch(name) for pattern in self._patterns)
        if len(self) < REMEMBERED and len(name) <= LONGEST:
            self[name] = stays
        return stays


# Gives the names that the expressions of a direction mean for a request, None where one cannot be evaluated.
_Names = Callable[[RequestContext], "set[bytes] | None"]


def _names(entries: list[str], takes: ExpressionSetting) -> _Names | None:
    evaluated = [compile_for(takes, entry).evaluate for entry in entries if BEGIN in entry]
    if not evaluated:
        return None

    def names(context: RequestContext) -> set[bytes] | None:
        found = set()
        for evaluate in evaluated:
            value = evaluate(context)
            if type(value) is str:
                found.add(wire(value).lower())
            elif value is not None:
                return None
        return found

    return names


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the patterns once; a header is one look-up by its name."""
    inbound = _Stays([entry for entry in config.inbound_headers if BEGIN not in entry])
    outbound = _Stays([entry for entry in config.outbound_headers if BEGIN not in entry])
    inbound_names = _names(config.inbound_headers, OF_REQUEST)
    outbound_names = _names(config.outbound_headers, OF_RESPONSE)
    refused = runtime.refusal("header_removal_not_evaluated")

    def on_request(context: RequestContext) -> None:
        context.headers = [pair for pair in context.headers if inbound[pair[0]]]

    def on_response(context: RequestContext) -> None:
        context.response_headers = [pair for pair in context.response_headers if outbound[pair[0]]]

    def evaluate_request(context: RequestContext) -> Response | None:
        assert inbound_names is not None
        names = inbound_names(context)
        if names is None:
            return refused
        names -= PROTECTED
        context.headers = [pair for pair in context.headers if inbound[pair[0]] and pair[0] not in names]
        return None

    def evaluate_response(context: RequestContext) -> None:
        assert outbound_names is not None
        names = outbound_names(context)
        if names is None:
            raise Refused(refused)
        names -= PROTECTED
        kept = [pair for pair in context.response_headers if outbound[pair[0]] and pair[0] not in names]
        context.response_headers = kept

    return Handlers(
        request_headers=(evaluate_request if inbound_names else on_request) if config.inbound_headers else None,
        response_headers=(evaluate_response if outbound_names else on_response) if config.outbound_headers else None,
    )


DEFINITION = PolicyDefinition(
    name="header-removal",
    title="Header removal",
    summary="Takes headers out of requests, responses or both.",
    category=Category.TRANSFORMATION,
    icon="playlist-x",
    config=Config,
    build=build,
    default_order=410,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={"inboundHeaders": ["x-debug"], "outboundHeaders": ["server", "x-powered-.*"]},
    judges=False,
    refusals=(
        Refusal(
            code="header_removal_not_evaluated",
            status=500,
            title="Header not removed",
            detail="Which header this API takes out could not be told for this request.",
        ),
    ),
    documentation=__doc__ or "",
)
