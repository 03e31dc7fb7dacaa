"""The parameters of an operation: how each is written in a request, and whether it fits its schema."""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from gateway_runtime.specification.faults import SpecificationFault, shown
from gateway_runtime.specification.references import References
from gateway_runtime.specification.schemas import Schemas
from gateway_runtime.specification.shapes import Read, reader, shape_of

# How each place writes its parameters where nobody says otherwise.
STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_ALLOWED = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# OpenAPI describes these elsewhere.
_NOT_HEADERS = ("accept", "content-type", "authorization")
# OpenAPI has no list in the style of objects; it is read as one in the usual style.
_SEPARATORS = {
    "form": (",",),
    "spaceDelimited": ("%20", "+"),
    "pipeDelimited": ("|", "%7C", "%7c"),
    "deepObject": (",",),
}
_PREFIX = {"label": ".", "matrix": ";"}


class Malformed(Exception):
    """A parameter is not written as its style has it."""


class Parameter(NamedTuple):
    """One parameter. `claims` are the query names that belong to it, `read` makes its value of what was sent.

    `check` and `first_error` are the validator's; `plain` gives the same value as text where the schema allows both.
    """

    name: str
    place: str
    required: bool
    read: Callable[[Any], Any]
    check: Callable[[Any], bool]
    first_error: Callable[[Any], Any]
    style: str
    explode: bool
    kind: str
    claims: tuple[str, ...]
    claims_all: bool
    may_be_text: bool
    may_be_empty: bool


def decoded(raw: str, *, plus: bool = False) -> str:
    """Return a text without its percent escapes. Raises `Malformed` for what is no UTF-8."""
    if plus:
        raw = raw.replace("+", " ")
    if "%" not in raw and raw.isascii():
        return raw
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Malformed from None


def compile_parameter(parameter: Any, references: References, schemas: Schemas) -> Parameter | None:
    """Return a parameter, None for one that is described elsewhere. Raises `SpecificationFault`."""
    found = references.object(parameter, "A parameter")
    name, place = found.get("name"), found.get("in")
    if not isinstance(name, str) or place not in STYLES:
        raise SpecificationFault("A parameter of the specification has no name, or is in no place that OpenAPI knows.")
    if place == "header" and name.lower() in _NOT_HEADERS:
        return None
    style = found.get("style") or STYLES[place]
    if style not in _ALLOWED[place]:
        raise SpecificationFault(f"The parameter “{shown(name)}” has a style that is not for {place} parameters.")
    content = found.get("content")
    if content:
        return _by_content(name, place, found, content, references, schemas)
    schema = found.get("schema", {})
    shape = shape_of([schema], references)
    explode = found.get("explode")
    explode = explode if isinstance(explode, bool) else style in ("form", "deepObject")
    kind = "object" if "object" in shape.types else "array" if "array" in shape.types else "value"
    validator = schemas.validator(schema)
    claims: tuple[str, ...] = (name,)
    claims_all = False
    if kind == "object" and place == "query":
        if style == "form" and explode:
            claims, claims_all = tuple(shape.properties), not shape.closed
        elif style == "deepObject":
            claims = ()
    items = reader(shape_of(shape.items, references).types) if kind == "array" else None
    properties = {each: reader(shape_of(parts, references).types) for each, parts in shape.properties.items()}
    value = reader(shape.types)
    reads: dict[str, Callable[[Any], Any]] = {
        "value": (lambda text: text) if value is None else value,
        "array": lambda texts: texts if items is None else [items(text) for text in texts],
        "object": lambda pairs: _object(pairs, properties),
    }
    return Parameter(
        name=name.lower() if place == "header" else name,
        place=place,
        required=found.get("required") is True or place == "path",
        read=reads[kind],
        check=validator.is_valid,
        first_error=validator.first_error,
        style=style,
        explode=explode,
        kind=kind,
        claims=claims,
        claims_all=claims_all,
        may_be_text=value is not None and kind == "value" and (not shape.types or "string" in shape.types),
        may_be_empty=found.get("allowEmptyValue") is True,
    )


def _by_content(
    name: str, place: str, found: dict[str, Any], content: Any, references: References, schemas: Schemas
) -> Parameter:
    if not isinstance(content, dict) or len(content) != 1:
        raise SpecificationFault(f"The “content” of the parameter “{shown(name)}” has to have one media type.")
    media_type, part = next(iter(content.items()))
    schema = references.object(part, "The content of a parameter").get("schema", {})
    validator = schemas.validator(schema)
    is_json = media_type.split(";")[0].strip().lower().endswith(("/json", "+json"))
    return Parameter(
        name=name.lower() if place == "header" else name,
        place=place,
        required=found.get("required") is True or place == "path",
        read=_json if is_json else lambda text: text,
        check=validator.is_valid,
        first_error=validator.first_error,
        style=STYLES[place],
        explode=False,
        kind="value",
        claims=(name,),
        claims_all=False,
        may_be_text=False,
        may_be_empty=False,
    )


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise Malformed from None


def _object(pairs: list[tuple[str, str]], properties: dict[str, Read | None]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, text in pairs:
        if name in made:
            raise Malformed
        read = properties.get(name)
        made[name] = text if read is None else read(text)
    return made


def _pairs(parts: list[str], explode: bool, decode: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the properties of an object that is written as a list."""
    if explode:
        if not all("=" in part for part in parts):
            raise Malformed
        return [(decode(name), decode(text)) for name, _, text in (part.partition("=") for part in parts)]
    if len(parts) % 2:
        raise Malformed
    return [(decode(parts[at]), decode(parts[at + 1])) for at in range(0, len(parts), 2)]


def path_value(parameter: Parameter, raw: str) -> Any:
    """Return the value of a path parameter. Raises `Malformed`."""
    style, kind = parameter.style, parameter.kind
    prefix = _PREFIX.get(style, "")
    if not raw.startswith(prefix):
        raise Malformed
    raw = raw[len(prefix) :]
    separator = prefix if prefix and parameter.explode else ","
    if style == "matrix" and not (kind == "object" and parameter.explode):
        start = f"{parameter.name}="
        if kind == "array" and parameter.explode:
            parts = raw.split(";")
            if not all(part.startswith(start) for part in parts):
                raise Malformed
            return parameter.read([decoded(part[len(start) :]) for part in parts])
        if not raw.startswith(start):
            raise Malformed
        raw, separator = raw[len(start) :], ","
    if kind == "value":
        return parameter.read(decoded(raw))
    parts = raw.split(separator)
    return parameter.read([decoded(p) for p in parts] if kind == "array" else _pairs(parts, parameter.explode, decoded))


def header_value(parameter: Parameter, lines: list[str]) -> Any:
    """Return the value of a header. Raises `Malformed`."""
    if parameter.kind == "value":
        if len(lines) > 1:
            raise Malformed
        return parameter.read(lines[0])
    parts = [part.strip(" \t") for line in lines for part in line.split(",")]
    return parameter.read(parts if parameter.kind == "array" else _pairs(parts, parameter.explode, str))


def query_value(parameter: Parameter, query: dict[str, list[str]]) -> Any:
    """Return the value of a query parameter, or of a cookie; None where it is not there. Raises `Malformed`.

    The texts in `query` are as they were sent.
    """
    name, kind, plus = parameter.name, parameter.kind, parameter.place == "query"
    if kind == "value":
        texts = query.get(name)
        if texts is None:
            return None
        if len(texts) > 1:
            # Two would let this gateway and the service read different ones.
            raise Malformed
        return parameter.read(decoded(texts[0], plus=plus))

    def decode(text: str) -> str:
        return decoded(text, plus=plus)

    if kind == "object" and parameter.style == "deepObject":
        inner = [(key, texts) for key, texts in query.items() if key.startswith(f"{name}[") and key.endswith("]")]
        if any(len(texts) > 1 or "[" in key[len(name) + 1 :] for key, texts in inner):
            raise Malformed
        pairs = [(key[len(name) + 1 : -1], decode(texts[0])) for key, texts in inner]
        return parameter.read(pairs) if pairs else None
    if kind == "object" and parameter.explode and parameter.style == "form":
        names = query if parameter.claims_all else parameter.claims
        found = [(key, query[key]) for key in names if key in query]
        if any(len(texts) > 1 for _, texts in found):
            raise Malformed
        return parameter.read([(key, decode(texts[0])) for key, texts in found]) if found else None
    texts = query.get(name)
    if texts is None:
        return None
    if kind == "array" and parameter.explode and plus:
        return parameter.read([decode(text) for text in texts])
    if len(texts) > 1:
        raise Malformed
    parts = [texts[0]]
    for separator in _SEPARATORS[parameter.style]:
        parts = [each for part in parts for each in part.split(separator)]
    return parameter.read([decode(p) for p in parts] if kind == "array" else _pairs(parts, False, decode))


def values_of(raw: bytes) -> dict[str, list[str]]:
    """Return a query by its names, the texts as they were sent. Raises `Malformed`."""
    found: dict[str, list[str]] = {}
    for part in raw.decode("latin-1").split("&"):
        if part:
            name, _, text = part.partition("=")
            if "%" in name or "+" in name:
                name = decoded(name, plus=True)
            if name in found:
                found[name].append(text)
            else:
                found[name] = [text]
    return found


def cookies_of(lines: list[bytes]) -> dict[str, list[str]]:
    """Return the cookies of a request by their names."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for part in line.decode("latin-1").split(";"):
            name, equals, text = part.strip(" \t").partition("=")
            if equals:
                found.setdefault(name, []).append(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text)
    return found
