"""One request of the gateway's own, with everything bounded: addresses, time, size. Redirects are not followed."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import cache
from typing import NamedTuple

from gateway_runtime.fetching.url import Url
from gateway_runtime.upstream.addresses import resolve
from gateway_runtime.upstream.errors import UpstreamError

HEAD_LIMIT = 32 * 1024
INTERIM_LIMIT = 5

_status_line = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?").fullmatch
_length = re.compile(rb"[0-9]{1,15}").fullmatch
_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n").fullmatch


class FetchError(Exception):
    """It could not be fetched. `code` says why and holds nothing of the answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Fetched(NamedTuple):
    """An answer with its whole body. Header names are lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


async def fetch(
    url: Url,
    *,
    seconds: float,
    limit: int,
    allow_private: bool,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Fetched:
    """Ask once and return the answer, whatever its status. Raises `FetchError`.

    The address is checked after the name has been resolved, as for services, and `seconds` are for everything.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await _connect(url, allow_private)
            try:
                writer.write(_request(url, method, headers, body))
                return await _read(reader, method, limit)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise FetchError("timeout") from None
    except UpstreamError as error:
        raise FetchError(error.response.code.removeprefix("upstream_")) from None
    except ssl.SSLError:
        raise FetchError("tls_failed") from None
    except OSError:
        raise FetchError("refused") from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise FetchError("bad_answer") from None


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _connect(url: Url, allow_private: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    addresses = await resolve(url.host, url.port, allow_private=allow_private)
    # Reading the trusted certificates takes long enough to be felt by the requests of others.
    tls = await asyncio.to_thread(_trust) if url.scheme == "https" else None
    name = url.host if tls is not None else None
    for address in addresses[:-1]:
        try:
            return await asyncio.open_connection(address, url.port, ssl=tls, server_hostname=name, limit=HEAD_LIMIT)
        except OSError:
            continue
    return await asyncio.open_connection(addresses[-1], url.port, ssl=tls, server_hostname=name, limit=HEAD_LIMIT)


def _request(url: Url, method: str, headers: tuple[tuple[str, str], ...], body: bytes) -> bytes:
    lines = [
        f"{method} {url.target} HTTP/1.1",
        f"host: {url.authority}",
        "user-agent: portico-gateway",
        "accept-encoding: identity",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers),
        *([f"content-length: {len(body)}"] if body or method != "GET" else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read(reader: asyncio.StreamReader, method: str, limit: int) -> Fetched:
    for _ in range(INTERIM_LIMIT):
        status, fields = _head(await reader.readuntil(b"\r\n\r\n"))
        if status >= 200:
            return Fetched(status, fields, await _body(reader, status, fields, method, limit))
    raise FetchError("bad_answer")


def _head(data: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = data[:-4].split(b"\r\n")
    found = _status_line(first)
    if found is None:
        raise FetchError("bad_answer")
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or not name or name.strip() != name:
            raise FetchError("bad_answer")
        if name in fields and name in (b"content-length", b"transfer-encoding"):
            raise FetchError("bad_answer")
        fields[name] = value.strip(b" \t")
    return int(found[1]), fields


async def _body(
    reader: asyncio.StreamReader, status: int, fields: dict[bytes, bytes], method: str, limit: int
) -> bytes:
    if method == "HEAD" or status in (204, 304):
        return b""
    length, encoding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if encoding is not None:
        if length is not None or encoding.lower() != b"chunked":
            raise FetchError("bad_answer")
        return await _chunks(reader, limit)
    if length is not None:
        if not _length(length):
            raise FetchError("bad_answer")
        if int(length) > limit:
            raise FetchError("too_large")
        return await reader.readexactly(int(length))
    found = bytearray()
    while data := await reader.read(HEAD_LIMIT):
        found += data
        if len(found) > limit:
            raise FetchError("too_large")
    return bytes(found)


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    found = bytearray()
    while True:
        size = _chunk_size(await reader.readuntil(b"\r\n"))
        if size is None:
            raise FetchError("bad_answer")
        count = int(size[1], 16)
        if count == 0:
            return bytes(found)
        if len(found) + count > limit:
            raise FetchError("too_large")
        found += await reader.readexactly(count)
        if await reader.readexactly(2) != b"\r\n":
            raise FetchError("bad_answer")
