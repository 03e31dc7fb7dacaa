"""AWS Signature Version 4: what is signed, and how, on the bytes that go to the service."""

from __future__ import annotations

import hashlib
import hmac
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY = hashlib.sha256().hexdigest()
# RFC 3986 section 2.3: the letters that are never escaped, beside letters and digits.
_UNRESERVED = "-._~"

Headers = list[tuple[bytes, bytes]]


class Credentials(NamedTuple):
    """Who signs, and for what."""

    region: str
    service: str
    key_id: str
    secret: str
    session_token: str


class Signer:
    """Signs requests with one set of credentials. The key of a day is derived once."""

    __slots__ = ("_credentials", "_day", "_is_s3", "_key")

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._is_s3 = credentials.service.startswith("s3")
        self._day = ""
        self._key = b""

    def sign(self, method: bytes, path: bytes, query: bytes, headers: Headers, payload: str, now: float) -> Headers:
        """Return the headers that a request needs besides those that are given and signed, the host among them.

        `path` and `query` are as they are sent; `payload` is the SHA-256 of the body in hex, or `UNSIGNED`.
        """
        credentials = self._credentials
        when = strftime("%Y%m%dT%H%M%SZ", gmtime(now))
        added = [(b"x-amz-date", when.encode())]
        if self._is_s3 or payload == UNSIGNED:
            added.append((b"x-amz-content-sha256", payload.encode()))
        if credentials.session_token:
            added.append((b"x-amz-security-token", credentials.session_token.encode()))
        names, lines = canonical_headers(headers + added)
        request = b"\n".join(
            (method, self.canonical_path(path), canonical_query(query), lines, names, payload.encode())
        )
        scope = f"{when[:8]}/{credentials.region}/{credentials.service}/aws4_request"
        text = f"{ALGORITHM}\n{when}\n{scope}\n{hashlib.sha256(request).hexdigest()}"
        signature = hmac.digest(self._key_of(when[:8]), text.encode(), "sha256").hex()
        said = (
            f"{ALGORITHM} Credential={credentials.key_id}/{scope}, "
            f"SignedHeaders={names.decode()}, Signature={signature}"
        )
        return [*added, (b"authorization", said.encode())]

    def canonical_path(self, path: bytes) -> bytes:
        """Return the path as the service reckons it from what it gets.

        S3 reads a path and escapes it in one way; all others escape what they get once more.
        """
        if not self._is_s3:
            return quote_from_bytes(path, "/" + _UNRESERVED).encode()
        # Part by part, so that an escaped slash stays one.
        return "/".join(quote_from_bytes(unquote_to_bytes(part), _UNRESERVED) for part in path.split(b"/")).encode()

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = b"AWS4" + self._credentials.secret.encode()
            for part in (day, self._credentials.region, self._credentials.service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day, self._key = day, key
        return self._key


def canonical_headers(headers: Headers) -> tuple[bytes, bytes]:
    """Return the names, and the lines with an end each: sorted, several values of a name as one."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(b" ".join(value.split()))
    names = sorted(found)
    return b";".join(names), b"".join(b"%s:%s\n" % (name, b",".join(found[name])) for name in names)


def canonical_query(query: bytes) -> bytes:
    """Return the parameters sorted and escaped in one way. A plus is a space, as services read it."""
    if not query:
        return b""
    pairs = []
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_escaped(name), _escaped(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs)).encode()


def _escaped(part: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(part.replace(b"+", b" ")), _UNRESERVED)
