"""# Request decompression

Sends compressed request bodies on as what they were before, for backends and policies that cannot read them.

## When to use it

Where callers send gzip, deflate, Brotli or Zstandard and the backend reads none of them, or where other policies are to
look into the body: those that do would have to refuse what they cannot read.

## Example

```yaml
policyRef:
  name: request-decompression
config:
  maxBodyBytes: 10485760
  maxRatio: 100
```

## What it does

A body with `content-encoding` gzip, deflate, br or zstd is read as it streams by, and sent on without that header and
without a length that would be wrong (chunked), or with the right one where it is here to its end. `identity`, and
requests without the header or without a body, pass as they are.

A few kilobytes can be made to become gigabytes. No more than `maxBodyBytes` come out of a body, and no more than
`maxRatio` times what went in; the first mebibyte is free of the ratio, because lists whose lines are nearly the same
are no attack. Memory is bounded by that, too. Codings inside one another are refused: no honest caller sends them.

What cannot be read is refused, nothing passes unread: where the request has gone on to the backend already, it breaks
off there.

The policy stands behind authentication and limits of calls, so that only known callers cost the work, and before the
policies that look into bodies.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `request_body_not_decoded` | the body is not in the coding that it claims, or ends before it does |
| 413 | `decoded_body_too_large` | the body becomes larger than `maxBodyBytes` |
| 413 | `decoded_body_suspicious` | the body becomes more than `maxRatio` times as large |
| 415 | `request_coding_not_supported` | the coding is another one, or there are several |

The last one says what is taken in `accept-encoding`.
"""

from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.request_decompression_reading import DECODERS, Decoder, NotDecodedError
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

_FREE_BYTES = 1024 * 1024
_PIECE = 64 * 1024
# What a decoder gets at a time: it copies the rest at each part of a body, and a part may have a few bytes only.
_FED = 8 * 1024
_PLAIN = (b"", b"identity")
_TAKEN = (b"accept-encoding", b"gzip, deflate, br, zstd")


class Config(PolicyConfig, frozen=True):
    """How much may come out of a body."""

    max_body_bytes: Annotated[
        int, setting("Largest body", "How many bytes a body may have when it has been read.", ge=1, le=1 << 30)
    ] = 10 * 1024 * 1024
    max_ratio: Annotated[
        int, setting("Largest ratio", "How many times as large as it came a body may become.", ge=1, le=100_000)
    ] = 100


class _Limits:
    """The limits of one binding and its refusals."""

    __slots__ = ("broken", "most", "ratio", "suspicious", "too_large")

    def __init__(self, config: Config, runtime: PolicyRuntime) -> None:
        self.most = config.max_body_bytes
        self.ratio = config.max_ratio
        self.broken = runtime.refusal("request_body_not_decoded")
        self.too_large = runtime.refusal("decoded_body_too_large")
        self.suspicious = runtime.refusal("decoded_body_suspicious")


class _Reading:
    """A body on its way to the service."""

    __slots__ = ("_came", "_decoder", "_limits", "_read")

    keeps_length = False

    def __init__(self, decoder: Decoder, limits: _Limits) -> None:
        self._decoder = decoder
        self._limits = limits
        self._came = self._read = 0

    def feed(self, data: bytes) -> bytes:
        """Return what a piece was before it was compressed."""
        decoder, limits = self._decoder, self._limits
        self._came += len(data)
        pieces = []
        try:
            for start in range(0, len(data), _FED):
                decoder.add(data[start : start + _FED])
                while piece := decoder.next(_PIECE):
                    self._read += len(piece)
                    if self._read > limits.most:
                        raise Refused(limits.too_large)
                    if self._read > _FREE_BYTES and self._read > limits.ratio * self._came:
                        raise Refused(limits.suspicious)
                    pieces.append(piece)
        except NotDecodedError:
            raise Refused(limits.broken) from None
        return b"".join(pieces)

    def finish(self) -> bytes:
        """Refuse what has no end."""
        if not self._decoder.at_end:
            raise Refused(self._limits.broken)
        return b""


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Make the refusals once."""
    limits = _Limits(config, runtime)
    not_supported = runtime.refusal("request_coding_not_supported", headers=(_TAKEN,))

    def on_request(context: RequestContext) -> Response | None:
        codings = [value for name, value in context.headers if name == b"content-encoding"]
        if not codings or not context.body_length:
            return None
        coding = b",".join(codings).strip(b" \t").lower()
        make = DECODERS.get(coding)
        if make is not None:
            context.filter_request(_Reading(make(), limits))
        elif coding not in _PLAIN:
            return not_supported
        context.remove_header(b"content-encoding")
        return None

    return Handlers(request_headers=on_request)


DEFINITION = PolicyDefinition(
    name="request-decompression",
    title="Request decompression",
    summary="Sends compressed request bodies on as what they were before.",
    category=Category.TRANSFORMATION,
    icon="arrows-maximize",
    config=Config,
    build=build,
    default_order=315,
    phases=(Phase.REQUEST_HEADERS,),
    example={"maxBodyBytes": 10485760, "maxRatio": 100},
    refusals=(
        Refusal(
            code="request_body_not_decoded",
            status=400,
            title="Bad request",
            detail="The body is not what its content-encoding says.",
        ),
        Refusal(
            code="decoded_body_too_large",
            status=413,
            title="Content too large",
            detail="The body becomes larger than this API takes.",
        ),
        Refusal(
            code="decoded_body_suspicious",
            status=413,
            title="Content too large",
            detail="The body becomes very much larger than it came.",
        ),
        Refusal(
            code="request_coding_not_supported",
            status=415,
            title="Unsupported media type",
            detail="The body is compressed in a way that this API does not read.",
        ),
    ),
    judges=False,
    documentation=__doc__ or "",
)
