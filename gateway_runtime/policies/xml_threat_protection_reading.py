"""What exceeds a limit in an XML body: counted while expat reads it, before anything of it is kept."""

import re
from typing import Final
from xml.parsers import expat

from gateway_runtime.policies.inspected_bodies import CHARSETS

MALFORMED: Final = "xml_malformed"
DOCTYPE: Final = "xml_doctype_not_allowed"
ENCODING: Final = "xml_encoding_not_supported"
TOO_DEEP: Final = "xml_too_deep"
TOO_MANY_ATTRIBUTES: Final = "xml_too_many_attributes"
TOO_MANY_CHILDREN: Final = "xml_too_many_children"
TEXT_TOO_LONG: Final = "xml_text_too_long"
ATTRIBUTE_TOO_LONG: Final = "xml_attribute_too_long"
COMMENT_TOO_LONG: Final = "xml_comment_too_long"

ANY_NUMBER = float("inf")
# A handler that has found something cannot stop expat before the end of the piece it reads.
PIECE = 16 * 1024
UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
# Everything that may stand before a document type.
_BEFORE_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?+(?:[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)


class Limits:
    """The six limits. A negative one holds nothing back."""

    __slots__ = ("attribute", "attributes", "children", "comment", "depth", "text")

    def __init__(self, *, depth: int, attributes: int, children: int, text: int, attribute: int, comment: int) -> None:
        self.depth: float = depth if depth >= 0 else ANY_NUMBER
        self.attributes: float = attributes if attributes >= 0 else ANY_NUMBER
        self.children: float = children if children >= 0 else ANY_NUMBER
        self.text: float = text if text >= 0 else ANY_NUMBER
        self.attribute: float = attribute if attribute >= 0 else ANY_NUMBER
        self.comment: float = comment if comment >= 0 else ANY_NUMBER


class _Excess(Exception):
    """Ends the reading. Its text is the code of what was found."""


def fault_of(body: bytes, charset: str, limits: Limits) -> str:
    """Return what is wrong with a body, "" when it is one XML document within the limits.

    `charset` is what the `Content-Type` says of its encoding, "" for nothing.
    """
    encoding = UTF_16.get(body[:2])
    if encoding is not None:
        if charset not in ("", "utf-16", encoding):
            return ENCODING
        try:
            body = body[2:].decode(encoding).encode()
        except UnicodeDecodeError:
            return MALFORMED
    elif b"\0" in body[:4]:
        # UTF-16 without a byte order mark, which expat would guess at.
        return MALFORMED
    elif charset and charset not in CHARSETS:
        return ENCODING
    if _BEFORE_DOCTYPE.match(body):
        return DOCTYPE
    counted = _Counted(limits, "utf-16" if encoding else CHARSETS.get(charset, ""))
    parser = expat.ParserCreate("utf-8" if encoding else CHARSETS.get(charset))
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.XmlDeclHandler = counted.declaration
    parser.StartDoctypeDeclHandler = counted.doctype
    parser.StartElementHandler = counted.start
    parser.EndElementHandler = counted.end
    parser.CharacterDataHandler = counted.text
    parser.CommentHandler = counted.comment
    parser.ProcessingInstructionHandler = counted.instruction
    try:
        for at in range(0, len(body), PIECE):
            parser.Parse(body[at : at + PIECE], False)
        parser.Parse(b"", True)
    except _Excess as found:
        return str(found)
    except expat.ExpatError:
        return MALFORMED
    return ""


class _Counted:
    """Counts what comes by. `_children` has the number of each open element's children, that of the document first."""

    __slots__ = ("_children", "_encoding", "_limits", "_run")

    def __init__(self, limits: Limits, encoding: str) -> None:
        self._limits = limits
        self._encoding = encoding
        self._children = [0]
        self._run = 0

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        """Refuse an encoding that readers disagree about: another than the one that is read here."""
        if not encoding:
            return
        named = encoding.lower()
        if self._encoding == "utf-16":
            fits = named in ("utf-16", "utf-16le", "utf-16be")
        else:
            fits = named in CHARSETS and self._encoding in ("", CHARSETS[named])
        if not fits:
            raise _Excess(ENCODING)

    def doctype(self, *_: object) -> None:
        raise _Excess(DOCTYPE)

    def start(self, name: str, attributes: list[str]) -> None:
        limits = self._limits
        self._child()
        self._children.append(0)
        if len(self._children) - 1 > limits.depth:
            raise _Excess(TOO_DEEP)
        if attributes:
            names, values = attributes[::2], attributes[1::2]
            if len(names) > limits.attributes:
                declared = sum(each == "xmlns" or each.startswith("xmlns:") for each in names)
                if len(names) - declared > limits.attributes:
                    raise _Excess(TOO_MANY_ATTRIBUTES)
            if max(map(len, values)) > limits.attribute:
                raise _Excess(ATTRIBUTE_TOO_LONG)

    def end(self, name: str) -> None:
        self._children.pop()
        self._run = 0

    def text(self, text: str) -> None:
        # One text comes in as many pieces as there are lines, references and sections in it.
        self._run += len(text)
        if self._run > self._limits.text:
            raise _Excess(TEXT_TOO_LONG)

    def comment(self, text: str) -> None:
        self._child()
        if len(text) > self._limits.comment:
            raise _Excess(COMMENT_TOO_LONG)

    def instruction(self, target: str, text: str) -> None:
        self._child()
        if len(text) > self._limits.comment:
            raise _Excess(COMMENT_TOO_LONG)

    def _child(self) -> None:
        self._run = 0
        children = self._children
        children[-1] += 1
        # The document itself is no element: what stands beside its root is not counted.
        if children[-1] > self._limits.children and len(children) > 1:
            raise _Excess(TOO_MANY_CHILDREN)
