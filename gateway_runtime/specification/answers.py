"""What an operation answers by its specification: statuses, media types, examples and headers."""

import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from gateway_runtime.specification.faults import SpecificationFault
from gateway_runtime.specification.media_types import accepted, bare, is_json
from gateway_runtime.specification.references import References
from gateway_runtime.specification.samples import Sampler

# A message of these has no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
WITHOUT_BODY = frozenset({204, 205, 304})

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+'*|~`-]+\Z")
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+;= \"-]+\Z")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,2000}[\x21-\x7e])?\Z")
# These the gateway says itself, and a connection depends on them.
_OWN_HEADERS = frozenset({
    "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade", "x-request-id",
})  # fmt: skip


class Made(NamedTuple):
    """A whole answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Content(NamedTuple):
    """One media type of an answer: how it is sent, and what the specification says of it."""

    name: str
    described: dict[str, Any]
    examples: dict[str, Any]


class Answer:
    """What a specification says of one status. `contents` and `offered` go side by side."""

    __slots__ = ("_described", "_references", "contents", "offered")

    def __init__(self, described: Any, references: References) -> None:
        self._references = references
        self._described = references.object(described, "An answer")
        self.contents = [
            _content(name, part, references)
            for name, part in references.object(self._described.get("content"), "“content”").items()
        ]
        self.offered = [bare(content.name) for content in self.contents]

    def choose(self, accept: str) -> int | None:
        """Return which media type suits an `Accept`, None where none does."""
        return accepted(accept, self.offered)

    def make(self, status: int, chosen: int, example: str, *, generated: bool) -> Made:
        """Make the answer. `example` names one of the examples, "" the first; `generated` leaves examples out."""
        headers = self._headers()
        if not self.contents or status in WITHOUT_BODY:
            return Made(status, headers, b"")
        content = self.contents[chosen]
        body = _body(self._value(content, example, generated=generated), self.offered[chosen])
        return Made(status, ((b"content-type", content.name.encode()), *headers), body)

    def _value(self, content: Content, example: str, *, generated: bool) -> Any:
        if not generated:
            if content.examples:
                return content.examples[example or next(iter(content.examples))]
            if "example" in content.described:
                return content.described["example"]
        if "schema" not in content.described:
            return None if is_json(bare(content.name)) else ""
        return Sampler(self._references, from_examples=not generated).value(content.described["schema"])

    def _headers(self) -> tuple[tuple[bytes, bytes], ...]:
        found = []
        for name, part in self._references.object(self._described.get("headers"), "“headers”").items():
            part = self._references.object(part, "A header")
            value = part.get("example")
            if value is None:
                value = Sampler(self._references).value(part.get("schema", {}))
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            if _TOKEN.match(name) and name.lower() not in _OWN_HEADERS and _VALUE.match(text):
                found.append((name.lower().encode(), text.encode()))
        return tuple(found)


class Answers:
    """All answers of one operation by what the specification calls them: a status, a range such as 4XX, `default`."""

    __slots__ = ("_by_name", "usual")

    def __init__(self, described: dict[str, Any], references: References) -> None:
        responses = references.object(described.get("responses"), "“responses”")
        self._by_name = {
            name.upper(): Answer(part, references) for name, part in responses.items() if not name.startswith("x-")
        }
        self.usual = self._usual()

    def find(self, status: int) -> Answer | None:
        """Return the answer that stands for a status."""
        names = self._by_name
        return names.get(str(status)) or names.get(f"{status // 100}XX") or names.get("DEFAULT")

    def _usual(self) -> int:
        """Return the status where nobody asks for one: the lowest that tells of success."""
        numbers = sorted(int(name) for name in self._by_name if name.isascii() and name.isdigit() and len(name) == 3)
        for number in numbers:
            if 200 <= number <= 299:
                return number
        if "2XX" in self._by_name or "DEFAULT" in self._by_name:
            return 200
        lasting = [number for number in numbers if 200 <= number <= 599]
        ranges = sorted(int(name[0]) * 100 for name in self._by_name if name in ("3XX", "4XX", "5XX"))
        if not lasting and not ranges:
            raise SpecificationFault("The operation has no answer.")
        return min([*lasting, *ranges])


def _content(name: str, part: Any, references: References) -> Content:
    described = references.object(part, "A media type")
    examples = {}
    for key, each in references.object(described.get("examples"), "“examples”").items():
        each = references.object(each, "An example")
        if "value" in each:
            examples[key] = each["value"]
    return Content(_sent_as(name), described, examples)


def _sent_as(name: str) -> str:
    """Return the type that is sent for one that the specification names, which may be a range."""
    range_ = bare(name)
    if range_ == "text/*":
        return "text/plain"
    return name if _TYPE.match(name) and "*" not in range_ else "application/json"


def _body(value: Any, media_type: str) -> bytes:
    if is_json(media_type):
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            # Examples of JSON are often written as text.
            try:
                msgspec.json.decode(value)
                return value.encode()
            except (ValueError, RecursionError, msgspec.MsgspecError):
                pass
        return msgspec.json.encode(value)
    if media_type == "application/x-www-form-urlencoded" and isinstance(value, dict):
        return urlencode(value, doseq=True).encode()
    if isinstance(value, str):
        return value.encode()
    return msgspec.json.encode(value) if isinstance(value, int | float) else b""
