"""# Response compression

Compresses answers for callers that can read it: with Zstandard, Brotli or gzip.

## When to use it

For answers of text and JSON that cross a slow network, where the backend does not compress them itself. It costs the
gateway CPU time for each answer, and saves most of the bytes.

## Example

```yaml
policyRef:
  name: response-compression
config:
  codings: [br, gzip]
  minimumBytes: 1024
  contentTypes:
    - application/json
    - text/*
```

## What it does

Of the `codings`, the one that the caller's `Accept-Encoding` rates highest is used, the first one of them where it
rates several alike. `identity` with a higher rating means that the caller would rather have the answer as it is.

An answer is left as it is where:

- it already has a `content-encoding`, or `cache-control: no-transform`
- it is a part of something (206, `content-range`), or has no body
- its media type is none of `contentTypes`: one of them is exact, `text/*` is all of a kind, and `*+json` is all that
  end with it
- it is `text/event-stream` or gRPC, whatever `contentTypes` say
- it announces fewer bytes than `minimumBytes`

Answers stream through. What announces no length is passed on piece by piece as the backend sends it, so that nobody
waits for what is there; the rest fills whole blocks, which compresses better. An answer that is here to its end goes
out with its new length. `HEAD` is answered as `GET` would be, without a length.

Whoever could be answered in two ways is told so by `vary: accept-encoding`, on answers that are not compressed too. A
strong `etag` becomes a weak one, because the bytes are others than those the backend means, and `accept-ranges` and
digests go away. A caller that sends a weak tag back in `if-match` gets 412 from the backend (RFC 9110 section
13.1.1): leave resources that are changed that way out, by the conditions of the binding.

The policy stands before nearly all others, so that those see answers as the backend gives them and this one is last.
It refuses nothing. It cannot be a way around anything, so it never fails closed either.

**Secrets beside what callers choose (BREACH).** Where an answer holds a secret, such as a token against forged
requests, and text that an attacker can put into it, such as a search word, the size of the compressed answer tells
whether both are alike. Somebody who can make a victim ask many times and see sizes can read the secret letter by
letter, through TLS. Do not compress such answers: leave their paths or media types out, or mask the secret anew in
each answer.

## What callers see

The answer with `content-encoding`, or as it was.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.response_compression_coding import (
    Coder,
    Compressing,
    brotli_coder,
    gzip_coder,
    preferred,
    zstd_coder,
)
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting

CONTENT_TYPES = (
    "text/*", "application/json", "*+json", "application/xml", "*+xml", "application/javascript",
    "application/graphql-response+json", "application/x-ndjson", "application/wasm", "application/yaml",
)  # fmt: skip
# Their pieces are messages that somebody waits for, or are compressed by themselves.
_LEFT_ALONE = (b"text/event-stream", b"application/grpc")
_NOT_MODIFIED = 304
_WITHOUT = frozenset({204, 205, 206, _NOT_MODIFIED})
_REMEMBERED = 512

Coding = Literal["zstd", "br", "gzip"]
ContentType = Annotated[
    str,
    setting(
        "Media type", "A media type, “text/*” or “*+json”.", min_length=3, max_length=100,
        pattern=r"^([A-Za-z0-9!#$&^_.+-]+/([A-Za-z0-9!#$&^_.+-]+|\*)|\*\+[A-Za-z0-9!#$&^_.-]+)$",
    ),
]  # fmt: skip


class Config(PolicyConfig, frozen=True):
    """What is compressed, and how."""

    codings: Annotated[
        list[Coding], setting("Codings", "Which may be used, the one to prefer first.", min_length=1, max_length=3)
    ] = msgspec.field(default_factory=lambda: ["zstd", "br", "gzip"])
    minimum_bytes: Annotated[
        int, setting("Minimum size", "An answer that announces fewer bytes is left as it is.", ge=0, le=1 << 30)
    ] = 1024
    content_types: Annotated[
        list[ContentType],
        setting("Media types", "Which answers are compressed.", min_length=1, max_length=100),
    ] = msgspec.field(default_factory=lambda: list(CONTENT_TYPES))
    gzip_level: Annotated[int, setting("Level of gzip", "From 1 for fast to 9 for small.", ge=1, le=9)] = 5
    brotli_quality: Annotated[int, setting("Quality of Brotli", "From 0 for fast to 11 for small.", ge=0, le=11)] = 4
    zstd_level: Annotated[int, setting("Level of Zstandard", "From 1 for fast to 19 for small.", ge=1, le=19)] = 3

    def __post_init__(self) -> None:
        if len(set(self.codings)) != len(self.codings):
            raise ValueError("Each coding may be there once")


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare the coders and the media types."""
    binding = runtime.binding
    makers: dict[str, Callable[[], Coder]] = {
        "gzip": gzip_coder(config.gzip_level),
        "br": brotli_coder(config.brotli_quality),
        "zstd": zstd_coder(config.zstd_level),
    }
    codings, minimum = tuple(config.codings), config.minimum_bytes
    takes = _media_types(config.content_types)
    known: dict[bytes, str | None] = {}

    def choose(context: RequestContext) -> str | None:
        accept = b",".join([value for name, value in context.headers if name == b"accept-encoding"])
        if accept not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[accept] = preferred(accept, codings)
        return known[accept]

    # Now: a policy may take the header out of what goes to the backend.
    def on_request(context: RequestContext) -> None:
        coding = choose(context)
        if coding is not None:
            context.note(binding, coding)

    def on_response(context: RequestContext) -> None:
        headers = context.response_headers
        if context.response_status in _WITHOUT:
            if context.response_status == _NOT_MODIFIED:
                _vary(headers)
            return
        length = -1
        content_type = b""
        for name, value in headers:
            if name == b"content-type":
                content_type = value
            elif name == b"content-length":
                length = int(value)
            elif name in (b"content-encoding", b"content-range") or (
                name == b"cache-control" and b"no-transform" in value.lower()
            ):
                return
        if 0 <= length < minimum or not length or not takes(content_type):
            return
        _vary(headers)
        coding = context.notes.get(binding) if context.notes is not None else None
        if coding is not None:
            context.response_headers = [*_changed(headers), (b"content-encoding", coding.encode())]
            context.filter_response(Compressing(makers[coding](), live=length < 0))

    return Handlers(request_headers=on_request, response_headers=on_response)


def _media_types(wanted: list[str]) -> Callable[[bytes], bool]:
    """Return what tells whether a content type is one of these."""
    exact = frozenset(each.lower().encode() for each in wanted if "*" not in each)
    kinds = tuple(each[:-1].lower().encode() for each in wanted if each.endswith("/*"))
    endings = tuple(each[1:].lower().encode() for each in wanted if each.startswith("*+"))
    known: dict[bytes, bool] = {}

    def takes(content_type: bytes) -> bool:
        found = known.get(content_type)
        if found is None:
            if len(known) >= _REMEMBERED:
                known.clear()
            plain = content_type.partition(b";")[0].strip(b" \t").lower()
            found = known[content_type] = not plain.startswith(_LEFT_ALONE) and (
                plain in exact or plain.startswith(kinds) or plain.endswith(endings)
            )
        return found

    return takes


def _vary(headers: list[tuple[bytes, bytes]]) -> None:
    """Say that the answer depends on the codings that a caller accepts."""
    for name, value in headers:
        if name == b"vary" and {b"accept-encoding", b"*"} & {each.strip(b" \t").lower() for each in value.split(b",")}:
            return
    headers.append((b"vary", b"accept-encoding"))


def _changed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without what was true of the bytes before."""
    return [
        (name, b"W/" + value if name == b"etag" and value.startswith(b'"') else value)
        for name, value in headers
        if name != b"accept-ranges"
    ]


DEFINITION = PolicyDefinition(
    name="response-compression",
    title="Response compression",
    summary="Compresses answers for callers that can read it.",
    category=Category.TRANSFORMATION,
    icon="file-zip",
    config=Config,
    build=build,
    default_order=12,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example={"codings": ["br", "gzip"], "minimumBytes": 1024, "contentTypes": ["application/json", "text/*"]},
    judges=False,
    documentation=__doc__ or "",
)
