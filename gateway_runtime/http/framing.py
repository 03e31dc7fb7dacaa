"""The grammar of a message head: one pattern for the whole, so that there is one reading of the bytes or none.

What the pattern does not take is refused, never repaired: bare CR or LF, folded lines, spaces around names, control
bytes. Quantifiers are possessive, so the cost is linear in the size of the head whatever its content.
"""

import re

from gateway_runtime.http.refusals import BadMessage, bad_request
from gateway_runtime.policies.results import Response

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_FIELDS = rb"((?:" + _TOKEN + rb"++:[\t -~\x80-\xff]*+\r\n)*+)\r\n"

HEAD_END = b"\r\n\r\n"

match_request_head = re.compile(rb"([A-Z][A-Z-]{0,23}+) ([!-~]++) HTTP/1\.([01])\r\n" + _FIELDS).fullmatch
match_response_head = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t -~\x80-\xff]*+)?\r\n" + _FIELDS).fullmatch
# Only for a block the patterns above have accepted.
_find_lines = re.compile(rb"(([^:]+):[^\r]*)\r\n").findall
match_token = re.compile(_TOKEN + rb"++").fullmatch
match_length = re.compile(rb"0|[1-9][0-9]{0,17}").fullmatch
find_bare_line_end = re.compile(rb"(?<!\r)\n|\r(?=[^\n])").search

_BARE_LINE_END = bad_request("bare_line_end", "A line does not end with CR LF.")
_REQUEST_LINE = bad_request("bad_request_line", "The first line is not “METHOD target HTTP/1.1”.")
_FOLDED = bad_request("folded_header", "A header continues on a second line, which HTTP no longer allows.")
_HEADER_LINE = bad_request(
    "bad_header_line", "A header line is not “name: value”, or has a byte that may not be in it."
)
_METHOD = Response(
    status=501, code="method_unknown", title="Method not implemented", detail="The method is not one that HTTP defines."
)
_VERSION = Response(
    status=505,
    code="version_not_supported",
    title="HTTP version not supported",
    detail="This port speaks HTTP/1.1 and HTTP/1.0.",
)

_request_line = re.compile(rb"(\S{1,64}) [!-~]+ HTTP/(\d)\.(\d)").fullmatch
_method = re.compile(rb"[A-Z][A-Z-]{0,23}").fullmatch


def split_lines(block: bytes) -> list[tuple[bytes, bytes]]:
    """Return (line, name) for each line of an accepted block, the name as it was spelled.

    Lines are sent on as they came, so that most requests never need names and values taken apart. White space around
    a value is no part of it for anybody.
    """
    return _find_lines(block)


def line_value(line: bytes) -> bytes:
    """Return the value of a line of `split_lines`."""
    return line.partition(b":")[2].strip(b" \t")


def line_field(line: bytes) -> tuple[bytes, bytes]:
    """Return (lower-case name, value) of a line of `split_lines`."""
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def refuse_request_head(head: bytes) -> BadMessage:
    """Say why a head is not one. Only for heads that `match_request_head` has refused."""
    if find_bare_line_end(head):
        return BadMessage(_BARE_LINE_END)
    first, _, rest = head.partition(b"\r\n")
    line = _request_line(first)
    if line is None:
        return BadMessage(_REQUEST_LINE)
    if _method(line[1]) is None:
        return BadMessage(_METHOD if match_token(line[1]) else _REQUEST_LINE)
    if line[2] != b"1" or line[3] not in (b"0", b"1"):
        return BadMessage(_VERSION)
    if any(line.startswith((b" ", b"\t")) for line in rest.split(b"\r\n")):
        return BadMessage(_FOLDED)
    return BadMessage(_HEADER_LINE)


def check_unfinished_head(data: bytes, start: int = 0) -> None:
    """Refuse at once what can never become a head, instead of waiting for an end that will not be seen."""
    if match_token(data, 0, 1) is None:  # TLS, for one
        raise BadMessage(_REQUEST_LINE)
    # The last byte may be the CR of a line end that is still on its way: the pattern needs a byte after a CR.
    if find_bare_line_end(data, max(0, start - 1)):
        raise BadMessage(_BARE_LINE_END)
