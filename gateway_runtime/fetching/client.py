"""One request of the gateway's own, with everything bounded: addresses, time, size. Redirects are not followed."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import NamedTuple

from gateway_runtime.fetching.url import Url
from gateway_runtime.upstream.addresses import allowed_addresses, literal_address
from gateway_runtime.upstream.connecting import Surroundings, first_of
from gateway_runtime.upstream.errors import ADDRESS_REFUSED, PROXY_FAILED, UpstreamError
from gateway_runtime.upstream.proxy import Proxy, refuse_local_name, tunnel_authority
from gateway_runtime.upstream.tls import plain_tls

HEAD_LIMIT = 32 * 1024
# What an answer may be where nobody says otherwise.
ANSWER_LIMIT = 64 * 1024
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
    surroundings: Surroundings,
    *,
    seconds: float,
    limit: int,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Fetched:
    """Ask once and return the answer, whatever its status. Raises `FetchError`.

    Connects as services are connected to: addresses are judged after names have been resolved, and the forward proxy
    is passed. `seconds` are for everything, `limit` is for the bytes of the body.
    """
    proxy = surroundings.proxy
    writer = None
    try:
        async with asyncio.timeout(seconds):
            if proxy is not None and proxy.is_for(url.host):
                _judge(url, surroundings)
                reader, writer = await _open(await _addresses(proxy, surroundings), proxy.port, seconds)
                if url.scheme == "https":
                    await _tunnel(reader, writer, url, proxy)
                    proxy = None
            else:
                proxy = None
                reader, writer = await _open(await surroundings.addresses(url.host, url.port), url.port, seconds)
            if url.scheme == "https":
                # Reading the trusted certificates takes long enough to be felt by the requests of others.
                tls = await asyncio.to_thread(plain_tls)
                await writer.start_tls(tls.context, server_hostname=url.host)
            writer.write(_request(url, method, headers, body, proxy))
            return await _read(reader, method, limit)
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
    finally:
        if writer is not None:
            writer.transport.abort()


async def _addresses(proxy: Proxy, surroundings: Surroundings) -> list[str]:
    """Return the addresses of a proxy, which is the operator's and is not judged. Raises `UpstreamError`."""
    address = literal_address(proxy.host)
    return [address] if address is not None else await surroundings.resolver.resolve(proxy.host)


def _judge(url: Url, surroundings: Surroundings) -> None:
    """Refuse what a proxy, which resolves names itself, must not be asked for. Raises `UpstreamError`."""
    if surroundings.platform.has(url.host, url.port):
        raise UpstreamError(ADDRESS_REFUSED)
    if not surroundings.allow_private:
        address = literal_address(url.host)
        if address is None:
            refuse_local_name(url.host)
        else:
            allowed_addresses([address], allow_private=False)


async def _open(addresses: list[str], port: int, seconds: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await first_of(addresses, seconds, lambda each: asyncio.open_connection(each, port, limit=HEAD_LIMIT))


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: Url, proxy: Proxy) -> None:
    authority = tunnel_authority(url.host, url.port)
    lines = [b"CONNECT %s HTTP/1.1" % authority, b"host: " + authority, *_to_proxy(proxy)]
    writer.write(b"\r\n".join([*lines, b"", b""]))
    status, _ = _head(await reader.readuntil(b"\r\n\r\n"))
    if not 200 <= status < 300:
        raise UpstreamError(PROXY_FAILED)


def _to_proxy(proxy: Proxy) -> list[bytes]:
    return [b"proxy-authorization: " + proxy.credentials] if proxy.credentials else []


def _request(url: Url, method: str, headers: tuple[tuple[str, str], ...], body: bytes, proxy: Proxy | None) -> bytes:
    # A proxy is asked for the whole address (RFC 9112 section 3.2.2).
    target = url.target if proxy is None else f"{url.scheme}://{url.authority}{url.target}"
    lines = [
        f"{method} {target} HTTP/1.1",
        f"host: {url.authority}",
        "user-agent: portico-gateway",
        "accept-encoding: identity",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers),
        *([f"content-length: {len(body)}"] if body or method != "GET" else []),
    ]
    sent = [line.encode() for line in lines]
    if proxy is not None:
        sent += _to_proxy(proxy)
    return b"\r\n".join([*sent, b"", b""]) + body


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
