"""Spans as OTLP writes them: `ExportTraceServiceRequest` in the encoding of protocol buffers.

Written by hand, because it is a handful of fields: the library that knows them all would be the largest thing in the
memory of this process. https://github.com/open-telemetry/opentelemetry-proto and
https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway_runtime import VERSION
from gateway_runtime.telemetry.span_data import SpanData

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_ERROR = 2
# The parent may be of another process (span.proto, SpanFlags).
_SAMPLED, _HAS_IS_REMOTE, _IS_REMOTE = 0x1, 0x100, 0x200
_SERVER = 2


def export_request(spans: Iterable[SpanData], resource: Mapping[str, str | int]) -> bytes:
    """Return the request with which a receiver is given these spans of one process."""
    scope = _text(1, "portico.gateway") + _text(2, VERSION)
    in_scope = _bytes(1, scope) + b"".join(_bytes(2, _span(each)) for each in spans)
    return _bytes(1, _bytes(1, _attributes(1, resource.items())) + _bytes(2, in_scope))


def _span(span: SpanData) -> bytes:
    remote = _IS_REMOTE if span.kind == _SERVER and span.parent_id else 0
    return b"".join(
        (
            _bytes(1, span.trace_id),
            _bytes(2, span.span_id),
            _text(3, span.state),
            _bytes(4, span.parent_id) if span.parent_id else b"",
            _text(5, span.name),
            _number(6, span.kind),
            _fixed64(7, span.start),
            _fixed64(8, span.end),
            _attributes(9, span.attributes),
            _bytes(15, _text(2, span.error) + _number(3, _ERROR)) if span.error else b"",
            _fixed32(16, _SAMPLED | _HAS_IS_REMOTE | remote),
        )
    )


def _attributes(field: int, attributes: Iterable[tuple[str, str | int]]) -> bytes:
    return b"".join(_bytes(field, _text(1, name) + _bytes(2, _value(value))) for name, value in attributes)


def _value(value: str | int) -> bytes:
    # An empty text is a value, too, and is written: absent would mean none at all.
    return _bytes(1, value.encode()) if isinstance(value, str) else _tag(3, _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value) if value else b""


def _fixed64(field: int, value: int) -> bytes:
    return _tag(field, _FIXED64) + value.to_bytes(8, "little")


def _fixed32(field: int, value: int) -> bytes:
    return _tag(field, 5) + value.to_bytes(4, "little")


def _bytes(field: int, value: bytes) -> bytes:
    return _tag(field, _BYTES) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode()) if value else b""
