"""Policies that read bodies, in a real gateway: whole and streaming, over HTTP/1.1 and HTTP/2, up to the limit."""

import socket
from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.gateway.stand import Answer, Said, Stand, standing
from tests.integration.gateway.test_streaming_memory import highest_memory, read_head, swallow

pytestmark = pytest.mark.integration

MOST = 1 << 20
STREAMED = 64 << 20
ROOM = 16 << 20


def reading(**config: str) -> str:
    lines = "".join(f'\n        {name}: "{value}"' for name, value in config.items())
    return f"\n    - policyRef: {{name: body-reading}}\n      config:{lines or ' {}'}"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    policies = {
        "whole": reading(append="!", refuse="evil"),
        "stream": reading(way="stream", append="!", refuse="evil"),
        "look": reading(way="stream"),
        "two": reading(append="1") + reading(way="stream", append="2"),
    }
    with standing(tmp_path_factory.mktemp("bodies"), policies) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(stand: Stand) -> None:
    stand.service.seen.clear()
    stand.service.say = lambda seen: Said(b"answer")


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize(("path", "end"), [("whole", b"!"), ("stream", b"!"), ("look", b""), ("two", b"12")])
def test_both_bodies_arrive_as_policies_leave_them(path: str, end: bytes, http2: bool, stand: Stand) -> None:
    def ask(body: bytes | None) -> Answer:
        if not http2:
            return stand.ask(f"/{path}/x", method="POST", body=body)
        with httpx2.Client(http1=False, http2=True, timeout=20) as client:
            answer = client.post(f"http://127.0.0.1:{stand.port}/{path}/x", content=body)
            assert answer.http_version == "HTTP/2"
            return Answer(answer.status_code, dict(answer.headers), answer.content)

    answer = ask(b"hello")
    # Answers come back through the policies in the other order.
    assert (answer.status, answer.body) == (200, b"answer" + end[::-1])
    (seen,) = stand.service.seen
    assert seen.body == b"hello" + end
    stand.service.say = lambda seen: Said([b"ans", b"wer"])
    assert ask(b"").body == b"answer" + end[::-1]
    assert stand.service.seen[1].body == b""


@pytest.mark.parametrize("path", ["whole", "stream"])
def test_chunks_and_refusals(path: str, stand: Stand) -> None:
    assert stand.ask(f"/{path}/x", method="PUT", body=[b"he", b"llo"]).status == 200
    assert stand.service.seen[-1].body == b"hello!"
    answer = stand.ask(f"/{path}/x", method="PUT", body=[b"it is ", b"evil"])
    assert answer.status == 422
    assert b'"bad_body"' in answer.body


def test_the_documented_limit_holds_in_both_directions(stand: Stand) -> None:
    assert stand.ask("/whole/x", method="POST", body=bytes(MOST)).status == 200
    assert len(stand.service.seen[-1].body) == MOST + 1
    answer = stand.ask("/whole/x", method="POST", body=bytes(MOST + 1))
    assert (answer.status, answer.code) == (413, "content_too_large")
    stand.service.say = lambda seen: Said(bytes(MOST))
    assert len(stand.ask("/whole/x").body) == MOST + 1
    stand.service.say = lambda seen: Said(bytes(MOST + 1))
    answer = stand.ask("/whole/x")
    assert (answer.status, answer.code) == (502, "upstream_content_too_large")
    assert len(stand.ask("/stream/x").body) == MOST + 2


def test_head_and_answers_without_a_body(stand: Stand) -> None:
    for path in ("whole", "stream"):
        answer = stand.ask(f"/{path}/x", method="HEAD")
        assert (answer.status, answer.body, "content-length" in answer.headers) == (200, b"", False)
    stand.service.say = lambda seen: Said(b"", status=204)
    assert stand.ask("/whole/x").status == 204
    assert stand.ask("/stream/x").status == 204
    stand.service.say = lambda seen: Said(b"answer")
    assert stand.ask("/look/x", method="HEAD").headers["content-length"] == "6"


def test_bodies_that_stream_through_a_filter_need_no_memory(stand: Stand) -> None:
    stand.service.say = lambda seen: Said([bytes(1 << 20)] * (STREAMED >> 20))
    stand.ask("/stream/x")
    before = highest_memory(stand.gateway)
    with socket.create_connection(("127.0.0.1", stand.port), timeout=60) as client:
        client.sendall(b"GET /look/x HTTP/1.1\r\nHost: a\r\n\r\n")
        _, _, body = read_head(client)
        assert len(body) + swallow(client, STREAMED - len(body)) == STREAMED
    assert highest_memory(stand.gateway) - before < ROOM


def test_a_websocket_handshake_passes_a_policy_that_reads_bodies(stand: Stand) -> None:
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall(
            b"GET /whole/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        head, _, body = read_head(client)
    # This service does not speak it, and answers as ever.
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body.endswith(b"answer!")
    (seen,) = stand.service.seen
    assert (seen.headers["upgrade"], "content-length" in seen.headers) == ("websocket", False)


def test_many_requests_on_one_connection_stay_apart(stand: Stand) -> None:
    count = 50
    sent = b"".join(
        b"POST /whole/%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" % number
        for number in range(count)
    )
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall(sent)
        received = b""
        while received.count(b"answer!") < count and (piece := client.recv(65536)):
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == count
    assert [(seen.path, seen.body) for seen in stand.service.seen] == [(f"/{n}", b"abc!") for n in range(count)]
