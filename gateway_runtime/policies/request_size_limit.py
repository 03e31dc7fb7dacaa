"""# Request size limit

Refuses requests whose body is larger, or whose headers are more, than an API is meant to take.

## When to use it

Where a backend takes small messages only, or breaks on large ones. An upload API and a form beside it may have limits
of their own, by the conditions of the binding.

## Example

```yaml
policyRef:
  name: request-size-limit
config:
  maxBodyBytes: 65536
  maxHeaders: 50
  maxHeaderBytes: 8192
```

## What it does

A body that announces its length is refused before anything of it is read or sent. One that does not (chunked, or over
HTTP/2 without `content-length`) is counted as it streams by and refused at the first byte that is too many: the backend
sees the request break off, and the connection of the caller is closed. Nothing is held in memory for it. Exactly
`maxBodyBytes` pass. With 0 a request may have no body.

`maxHeaders` and `maxHeaderBytes` count the headers that would go on to the backend, each with its name, its value and
four bytes for what stands around them; 0 leaves either without a limit. The gateway's own limits for the head of a
request hold before that.

It stands before authentication, so that strangers cannot send much either. Nothing it counts depends on anybody else,
so it never lets a request pass because something is away. In shadow mode only bodies that announce their length are
judged.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 413 | `request_body_too_large` | the body is larger than `maxBodyBytes` |
| 431 | `request_headers_too_many` | there are more headers than `maxHeaders` |
| 431 | `request_headers_too_large` | the headers are larger than `maxHeaderBytes` |
"""

from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

# What stands around a name and a value in a head: a colon, a space and the end of the line.
_AROUND = 4


class Config(PolicyConfig, frozen=True):
    """How large a request may be."""

    max_body_bytes: Annotated[
        int, setting("Largest body", "How many bytes a body may have; 0 for none.", ge=0, le=1 << 50)
    ] = 1024 * 1024
    max_headers: Annotated[
        int, setting("Most headers", "How many headers a request may have; 0 for any number.", ge=0, le=10_000)
    ] = 0
    max_header_bytes: Annotated[
        int,
        setting("Largest headers", "How many bytes all headers together may have; 0 for any number.", ge=0, le=1 << 20),
    ] = 0


class _Counting:
    """Lets so many bytes pass, and no more."""

    __slots__ = ("_left", "_refusal")

    keeps_length = True

    def __init__(self, most: int, refusal: Response) -> None:
        self._left = most
        self._refusal = refusal

    def feed(self, data: bytes) -> bytes:
        """Count a piece."""
        self._left -= len(data)
        if self._left < 0:
            raise Refused(self._refusal)
        return data

    def finish(self) -> bytes:
        """There is nothing more to pass on."""
        return b""


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Make the refusals once."""
    too_large = runtime.refusal("request_body_too_large")
    too_many_headers = runtime.refusal("request_headers_too_many")
    too_large_headers = runtime.refusal("request_headers_too_large")
    most, most_headers, most_header_bytes = config.max_body_bytes, config.max_headers, config.max_header_bytes

    def on_request(context: RequestContext) -> Response | None:
        if context.body_length > most:
            return too_large
        if most_headers and len(context.headers) > most_headers:
            return too_many_headers
        if most_header_bytes:
            size = 0
            for name, value in context.headers:
                size += len(name) + len(value) + _AROUND
            if size > most_header_bytes:
                return too_large_headers
        if context.body_length < 0:
            context.filter_request(_Counting(most, too_large))
        return None

    return Handlers(request_headers=on_request)


DEFINITION = PolicyDefinition(
    name="request-size-limit",
    title="Request size limit",
    summary="Refuses requests that are larger than an API is meant to take.",
    category=Category.SECURITY,
    icon="ruler-measure",
    config=Config,
    build=build,
    default_order=40,
    phases=(Phase.REQUEST_HEADERS,),
    example={"maxBodyBytes": 65536, "maxHeaders": 50, "maxHeaderBytes": 8192},
    refusals=(
        Refusal(
            code="request_body_too_large",
            status=413,
            title="Content too large",
            detail="The body is larger than this API takes.",
        ),
        Refusal(
            code="request_headers_too_many",
            status=431,
            title="Request header fields too large",
            detail="The request has more headers than this API takes.",
        ),
        Refusal(
            code="request_headers_too_large",
            status=431,
            title="Request header fields too large",
            detail="The headers are larger than this API takes.",
        ),
    ),
    documentation=__doc__ or "",
)
