"""The request target and the host, canonical or refused.

Policies, routes and the service must see one path. So nothing that different programs read differently is accepted:
dot segments, empty segments, backslashes, encoded slashes, encoded control bytes, and letters encoded without need.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from gateway_runtime.http.refusals import BadMessage, bad_request
from gateway_runtime.policies.results import Response

_match_target = re.compile(
    # A segment is not empty unless it is the last, not `.` or `..`, also not before `;`, which some servers cut off
    # before and some after they decode the path, nor before spaces, which some file systems take for nothing.
    rb"((?:/(?!/|;|%3[Bb]|\.\.?(?:%20)*+(?:[/;?]|%3[BbFf]|%23|\Z))(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]++|%[0-9A-Fa-f]{2})*+)++)"
    rb"(?:\?([!\"$-~]*+))?"
).fullmatch
# Control bytes, `/`, `\`, DEL, and the unreserved characters, which are the same written plainly.
_find_refused_escape = re.compile(
    rb"%(?:[01][0-9a-f]|2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9aef])", re.I
).search
_find_lower_escape = re.compile(rb"%(?=[0-9A-Fa-f]{2})(?:[a-f].|.[a-f])").search
_match_absolute = re.compile(rb"(?i:(https?))://([^/?#@]++)([/?].*+)?").fullmatch
_match_host = re.compile(
    rb"([A-Za-z0-9_](?:[A-Za-z0-9_-]*+(?:\.(?=[A-Za-z0-9_]))?)*+\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?"
).fullmatch
_PORTS = 65536
_LONGEST_HOST = 300

NOT_CANONICAL = bad_request(
    "path_not_canonical",
    "The path has an empty segment, a dot segment, a byte that may not be in a path, or an escape that is refused.",
)
_FRAGMENT = bad_request("fragment_in_target", "A request target has no fragment.")
_SCHEME = bad_request("scheme_mismatch", "The scheme of the request target is not the one of this connection.")
_BAD_TARGET = bad_request("bad_target", "The request target is not a path.")
_MISMATCH = bad_request("host_mismatch", "The host of the request target is not the one of the Host header.")
BAD_HOST = bad_request("bad_host", "There must be one Host header with a valid name and port.")


def path_is_canonical(path: bytes) -> bool:
    """Tell whether a path that has been put together of parts is still one that would have been accepted."""
    found = _match_target(path)
    return found is not None and found[2] is None and b"?" not in path


def parse_target(target: bytes, host: bytes, *, secure: bool = False) -> tuple[bytes, bytes | None]:
    """Return the canonical path and the query (None without `?`), or raise `BadMessage`.

    An absolute target is taken when it has the scheme of the connection (https where it is `secure`) and names `host`,
    the lower-case authority of the Host header.
    """
    if not target.startswith(b"/"):
        target = _origin_form(target, host, secure)
    found = _match_target(target)
    if found is None:
        raise BadMessage(_why_refused(target))
    path, query = found.groups()
    if path.find(b"%") >= 0:  # `in` is slow for bytes
        path = _check_escapes(path)
    return path, query


def _check_escapes(path: bytes) -> bytes:
    if _find_refused_escape(path):
        raise BadMessage(NOT_CANONICAL)
    try:
        # Strict UTF-8 refuses the overlong spellings of `.` and `/`.
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise BadMessage(NOT_CANONICAL) from None
    if _find_lower_escape(path):
        # The one thing made equal: the case of the hexadecimal digits, which means nothing anywhere.
        return re.sub(rb"%..", lambda escape: escape[0].upper(), path)
    return path


def _origin_form(target: bytes, host: bytes, secure: bool) -> bytes:
    found = _match_absolute(target)
    if found is None:
        raise BadMessage(_BAD_TARGET)
    if (found[1].lower() == b"https") != secure:
        raise BadMessage(_SCHEME)
    parsed = parse_host(found[2], secure=secure)
    if parsed is None or parsed[1] != host:
        raise BadMessage(_MISMATCH)
    rest = found[3] or b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def _why_refused(target: bytes) -> Response:
    return _FRAGMENT if b"#" in target else NOT_CANONICAL


def parse_host(value: bytes, *, secure: bool = False) -> tuple[bytes, bytes] | None:
    """Return (name, name with port) in lower case, or None when it is not a host.

    The port that the scheme has anyway is left out: 443 on a `secure` connection, else 80.
    """
    # Asked here, not below: what is remembered must be short, whether or not it is a host.
    return _read_host(value, b"443" if secure else b"80") if len(value) <= _LONGEST_HOST else None


@lru_cache(maxsize=1024)
def _read_host(value: bytes, usual_port: bytes) -> tuple[bytes, bytes] | None:
    found = _match_host(value)
    if found is None:
        return None
    # The dot at the end of a whole name is left out: with it and without, rules have to see the same host.
    name = found[1].lower().removesuffix(b".")
    if found[2] is None:
        return name, name
    if int(found[2]) >= _PORTS:
        return None
    return name, name if found[2] == usual_port else name + b":" + found[2]
