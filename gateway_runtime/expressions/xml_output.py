"""Values as XML: elements and texts, nothing else. It is written and never read."""

import re
from typing import Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import NOT_XML, Stop

_BEGIN = "<?xml version='1.0' encoding='UTF-8'?>\n"
# Names that every reader takes, without the sign that means a namespace.
_is_name = re.compile(r"(?![Xx][Mm][Ll])[A-Za-z_][A-Za-z0-9_.-]*").fullmatch
# What XML 1.0 has no way to write, and lone halves of pairs.
_impossible = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_escaped = re.compile("[&<>\r]").sub
_DEEPEST = 100


def write_xml(value: Any) -> bytes:
    """Return an object with one name as the document with that root. Raises `Stop`.

    A list becomes an element for each of its items, null an empty element.
    """
    if type(value) is not dict or len(value) != 1 or type(next(iter(value.values()))) is list:
        raise Stop(NOT_XML)
    parts = [_BEGIN]
    _write(value, parts, 0)
    return "".join(parts).encode()


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise Stop(NOT_XML)
    for name, given in value.items():
        if not _is_name(name):
            raise Stop(NOT_XML)
        for each in given if type(given) is list else (given,):
            if each is None:
                parts.append(f"<{name}/>")
                continue
            parts.append(f"<{name}>")
            if type(each) is dict:
                _write(each, parts, depth + 1)
            else:
                parts.append(_text(each))
            parts.append(f"</{name}>")


def _text(value: Any) -> str:
    if type(value) is list:
        raise Stop(NOT_XML)
    text = text_of(value)
    if _impossible(text):
        raise Stop(NOT_XML)
    return _escaped(lambda sign: _ESCAPES[sign[0]], text)
