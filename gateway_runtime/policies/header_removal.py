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

Each entry is a header name or an RE2 pattern for a whole name; case does not matter. `inboundHeaders` are taken out of
the request, `outboundHeaders` out of the response. These stay, whatever an entry says: `accept`, `connection`,
`content-length`, `content-type`, `date`, `host` and `transfer-encoding`.

A header that a policy further on adds is not taken away: put this policy after it. This policy refuses no request.
"""

from typing import Annotated, Any

import re2

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.routing.rules import OPTIONS
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

PROTECTED = frozenset({
    b"accept", b"connection", b"content-length", b"content-type", b"date", b"host", b"transfer-encoding",
})  # fmt: skip
# Callers choose names, so what is remembered about them has an end.
REMEMBERED = 1024
LONGEST = 64

Entry = Annotated[str, setting("Header", "A header name, or a pattern for one.", min_length=1, max_length=200)]


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
        list[Entry],
        setting(
            "Inbound headers",
            "Names or patterns of headers that the backend is not to see.",
            max_length=50,
            placeholder="x-debug",
        ),
    ] = []
    outbound_headers: Annotated[
        list[Entry],
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


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the patterns once; a header is one look-up by its name."""
    inbound, outbound = _Stays(config.inbound_headers), _Stays(config.outbound_headers)

    def on_request(context: RequestContext) -> None:
        context.headers = [pair for pair in context.headers if inbound[pair[0]]]

    def on_response(context: RequestContext) -> None:
        context.response_headers = [pair for pair in context.response_headers if outbound[pair[0]]]

    return Handlers(
        request_headers=on_request if config.inbound_headers else None,
        response_headers=on_response if config.outbound_headers else None,
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
    documentation=__doc__ or "",
)
