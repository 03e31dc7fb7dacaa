"""The gateway's own requests against a real server that answers rightly, wrongly, slowly or without end."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from gateway_runtime.fetching import client
from gateway_runtime.fetching.client import Fetched, FetchError, fetch
from gateway_runtime.fetching.url import parse_url
from gateway_runtime.schema.upstream import ForwardProxy
from gateway_runtime.upstream.connecting import Surroundings
from gateway_runtime.upstream.proxy import Proxy
from gateway_runtime.upstream.resolving import Resolver
from gateway_runtime.upstream.tls import plain_tls
from tests.certificates import Authority

pytestmark = pytest.mark.integration
OK = b"HTTP/1.1 200 OK\r\n"


def surroundings(allow_private: bool = True, proxy: Proxy | None = None) -> Surroundings:
    return Surroundings(Resolver(), allow_private, proxy)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: bytes | Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not isinstance(answer, bytes):
                await answer(reader, writer)
                return
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


def asked(answer: bytes | Handler, *, limit: int = 1000, seconds: float = 5.0, path: str = "/keys") -> Fetched:
    async def whole() -> Fetched:
        async with serving(answer) as (port, _):
            url = parse_url(f"http://127.0.0.1:{port}{path}")
            return await fetch(url, surroundings(), seconds=seconds, limit=limit)

    return asyncio.run(whole())


def failed(answer: bytes | Handler, **more: float) -> str:
    with pytest.raises(FetchError) as caught:
        asked(answer, **more)  # type: ignore[arg-type]
    return caught.value.code


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", b"{}"),
        (OK + b"\r\n{}", b"{}"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_answers_are_read_however_they_are_framed(answer: bytes, body: bytes) -> None:
    assert asked(answer).body == body


def test_the_request_is_plain_and_has_its_headers() -> None:
    async def whole() -> bytes:
        async with serving(OK + b"\r\n") as (port, seen):
            url = parse_url(f"http://127.0.0.1:{port}/keys?a=b")
            await fetch(url, surroundings(), seconds=5, limit=9, method="POST", headers=(("x-a", "1"),), body=b"t=1")
            return seen[0]

    lines = asyncio.run(whole()).split(b"\r\n")
    assert lines[0] == b"POST /keys?a=b HTTP/1.1"
    assert {b"accept-encoding: identity", b"connection: close", b"x-a: 1", b"content-length: 3"} <= set(lines)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OK + b"Content-Length: 1001\r\n\r\n", "too_large"),
        (OK + b"\r\n" + b"x" * 1001, "too_large"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n", "too_large"),
        (OK + b"Content-Length: 5\r\n\r\n{}", "bad_answer"),
        (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "bad_answer"),
        (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "bad_answer"),
        (OK + b"Content-Length: +2\r\n\r\n{}", "bad_answer"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n{}", "bad_answer"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "bad_answer"),
        (OK + b"no colon\r\n\r\n", "bad_answer"),
        (OK + b"x" * 70_000, "bad_answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "bad_answer"),
        (b"", "bad_answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, "bad_answer"),
    ],
)
def test_what_is_too_much_or_no_http_is_refused(answer: bytes, code: str) -> None:
    assert failed(answer) == code


def test_a_body_without_end_and_a_silent_server_are_given_up() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert failed(endless, seconds=0.2) == "timeout"
    assert failed(silent, seconds=0.2) == "timeout"


def test_redirects_are_not_followed() -> None:
    found = asked(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")
    assert (found.status, found.headers[b"location"]) == (302, b"http://169.254.169.254/")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]"]
)
def test_inner_addresses_are_not_asked_unless_that_is_allowed(host: str) -> None:
    with pytest.raises(FetchError) as caught:
        asyncio.run(fetch(parse_url(f"http://{host}:1/"), surroundings(False), seconds=5, limit=9))
    assert caught.value.code == "address_refused"


def test_nobody_there() -> None:
    with pytest.raises(FetchError) as caught:
        asyncio.run(fetch(parse_url("http://127.0.0.1:1/"), surroundings(True), seconds=5, limit=9))
    assert caught.value.code == "refused"


def test_an_address_that_swallows_everything_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    open_connection = asyncio.open_connection

    async def swallow(host: str, *where: Any, **more: Any) -> Any:
        return await (asyncio.Event().wait() if host == "127.0.0.2" else open_connection(host, *where, **more))

    async def look_up(name: str) -> tuple[list[str], float]:
        return ["127.0.0.2", "127.0.0.1"], 60.0

    async def whole() -> Fetched:
        async with serving(OK + b"content-length: 2\r\n\r\n{}") as (port, _):
            monkeypatch.setattr(asyncio, "open_connection", swallow)
            url = parse_url(f"http://login.example:{port}/")
            return await fetch(url, Surroundings(Resolver(look_up), allow_private=True), seconds=1, limit=9)

    assert asyncio.run(whole()).body == b"{}"


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize(
    ("names", "code"), [(["localhost"], None), (["other.example"], "tls_failed"), ([], "tls_failed")]
)
def test_certificates_are_checked(
    run: Callable[..., Fetched], names: list[str], code: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority()
    # The common name alone is nobody's promise.
    pair = authority.issue(*names, common_name="localhost")
    (tmp_path / "c.pem").write_text(pair.certificate)
    (tmp_path / "k.pem").write_text(pair.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    (tmp_path / "ca.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(client, "plain_tls", plain_tls.__wrapped__)

    async def whole() -> Fetched:
        async with serving(OK + b"content-length: 2\r\n\r\n{}", server) as (port, _):
            url = parse_url(f"https://localhost:{port}/")
            return await fetch(url, surroundings(), seconds=5, limit=9)

    if code is None:
        assert run(whole()).body == b"{}"
    else:
        with pytest.raises(FetchError) as caught:
            run(whole())
        assert caught.value.code == code


def through_proxy(url: str, answer: bytes | Handler, *, private: bool = True) -> tuple[Fetched, list[bytes]]:
    async def whole() -> tuple[Fetched, list[bytes]]:
        async with serving(answer) as (port, seen):
            address = f"http://127.0.0.1:{port}"
            proxy = Proxy(ForwardProxy(address=address, username="ada", password="sesame"))
            found = await fetch(parse_url(url), surroundings(private, proxy), seconds=5, limit=9)
            return found, seen

    return asyncio.run(whole())


def test_a_forward_proxy_is_asked_for_the_whole_address() -> None:
    found, seen = through_proxy("http://login.example:8080/keys", OK + b"content-length: 2\r\n\r\n{}")
    assert found.body == b"{}"
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET http://login.example:8080/keys HTTP/1.1"
    assert b"proxy-authorization: Basic YWRhOnNlc2FtZQ==" in lines


def test_a_tunnel_that_is_not_granted_is_a_failure() -> None:
    with pytest.raises(FetchError) as caught:
        through_proxy("https://login.example/keys", b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert caught.value.code == "proxy_failed"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "keys.internal"])
def test_a_proxy_is_not_asked_for_inner_names(host: str) -> None:
    with pytest.raises(FetchError) as caught:
        through_proxy(f"http://{host}/", OK + b"\r\n", private=False)
    assert caught.value.code == "address_refused"


def test_tls_goes_through_the_tunnel_to_the_host_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority()
    pair = authority.issue("login.example")
    (tmp_path / "c.pem").write_text(pair.certificate)
    (tmp_path / "k.pem").write_text(pair.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    (tmp_path / "ca.pem").write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(client, "plain_tls", plain_tls.__wrapped__)
    heads: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await writer.start_tls(server)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"content-length: 2\r\n\r\n{}")
        await writer.drain()

    assert through_proxy("https://login.example/keys", tunnel)[0].body == b"{}"
    assert heads[0].startswith(b"CONNECT login.example:443 HTTP/1.1\r\n")
    assert heads[1].startswith(b"GET /keys HTTP/1.1\r\nhost: login.example\r\n")
    assert b"proxy-authorization" not in heads[1]
