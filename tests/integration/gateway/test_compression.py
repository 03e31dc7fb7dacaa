"""The policies “response-compression” and “request-decompression” in a real gateway."""

import gzip
import socket
import threading
from collections.abc import Iterator

import brotli
import httpx2
import pytest
import zstandard

from tests.integration.gateway.stand import Said, Stand, standing

pytestmark = pytest.mark.integration

TEXT = b'{"message": "hello, hello, hello"}' * 2000
JSON = {"content-type": "application/json", "etag": '"1"'}
READ = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
WRITE = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    policies = {
        "out": "\n    - policyRef: {name: response-compression}",
        "in": "\n    - policyRef: {name: request-decompression}\n      config: {maxBodyBytes: 200000}",
        "look": "\n    - policyRef: {name: request-decompression-flex}\n    - policyRef: {name: body-reading}\n"
        "      config: {append: '!', refuse: evil}",
        "both": "\n    - policyRef: {name: response-compression-flex}\n    - policyRef: {name: body-reading}\n"
        "      config: {append: '!'}",
    }
    with standing(tmp_path_factory.mktemp("compression"), policies) as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(stand: Stand) -> None:
    stand.service.seen.clear()
    stand.service.say = lambda seen: Said(TEXT, JSON)


@pytest.mark.parametrize("coding", READ)
@pytest.mark.parametrize("pieces", [False, True], ids=["length", "chunks"])
def test_answers_are_compressed(coding: str, pieces: bool, stand: Stand) -> None:
    stand.service.say = lambda seen: Said([TEXT[:9], TEXT[9:]] if pieces else TEXT, JSON)
    answer = stand.ask("/out/x", {"accept-encoding": coding})
    assert READ[coding](answer.body) == TEXT
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (coding, "accept-encoding")
    assert answer.headers["etag"] == 'W/"1"'
    assert len(answer.body) < len(TEXT) / 5


def test_a_policy_that_reads_answers_sees_them_as_they_are(stand: Stand) -> None:
    answer = stand.ask("/both/x", {"accept-encoding": "gzip"})
    assert gzip.decompress(answer.body) == TEXT + b"!"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_who_cannot_read_it_gets_it_plain_and_a_head_is_like_its_answer(stand: Stand) -> None:
    plain = stand.ask("/out/x")
    assert (plain.body, plain.headers["vary"], plain.headers["etag"]) == (TEXT, "accept-encoding", '"1"')
    head = stand.ask("/out/x", {"accept-encoding": "br"}, method="HEAD")
    assert (head.headers["content-encoding"], head.body, "content-length" in head.headers) == ("br", b"", False)


def test_over_http_2_too(stand: Stand) -> None:
    with httpx2.Client(http1=False, http2=True, timeout=20) as client:
        answer = client.get(f"http://127.0.0.1:{stand.port}/out/x", headers={"accept-encoding": "gzip"})
    assert (answer.http_version, answer.headers["content-encoding"], answer.content) == ("HTTP/2", "gzip", TEXT)


def test_nobody_waits_for_a_piece_that_is_there(stand: Stand) -> None:
    """The service sends its second piece only when the caller has read the first one."""
    read_first = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b'{"first": 1}\n'
        assert read_first.wait(10)
        yield b'{"second": 2}\n'

    stand.service.say = lambda seen: Said(pieces(), {"content-type": "application/x-ndjson"})
    with (
        httpx2.Client(timeout=20) as client,
        client.stream("GET", f"http://127.0.0.1:{stand.port}/out/x", headers={"accept-encoding": "gzip"}) as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        lines = answer.iter_lines()
        assert next(lines) == '{"first": 1}'
        read_first.set()
        assert next(lines) == '{"second": 2}'


def test_events_are_left_alone(stand: Stand) -> None:
    stand.service.say = lambda seen: Said([b"data: 1\n\n"], {"content-type": "text/event-stream"})
    answer = stand.ask("/out/x", {"accept-encoding": "gzip"})
    assert (answer.body, "content-encoding" in answer.headers) == (b"data: 1\n\n", False)


@pytest.mark.parametrize("coding", WRITE)
@pytest.mark.parametrize("pieces", [False, True], ids=["length", "chunks"])
def test_bodies_arrive_as_they_were(coding: str, pieces: bool, stand: Stand) -> None:
    data = WRITE[coding](TEXT)
    sent: bytes | list[bytes] = [data[:9], data[9:]] if pieces else data
    assert stand.ask("/in/x", {"content-encoding": coding}, method="POST", body=sent).status == 200
    (seen,) = stand.service.seen
    assert (seen.body, "content-encoding" in seen.headers) == (TEXT, False)


def test_policies_that_look_into_bodies_can(stand: Stand) -> None:
    answer = stand.ask("/look/x", {"content-encoding": "gzip"}, method="POST", body=gzip.compress(TEXT))
    assert answer.status == 200
    assert stand.service.seen[0].body == TEXT + b"!"
    assert stand.ask("/look/x", {"content-encoding": "gzip"}, method="POST", body=gzip.compress(b"evil")).status == 422


def test_a_bomb_a_lie_and_a_coding_that_nobody_reads(stand: Stand) -> None:
    bomb = gzip.compress(bytes(100 << 20))
    for path in ("/in/x", "/look/x"):
        answer = stand.ask(path, {"content-encoding": "gzip"}, method="POST", body=bomb)
        assert answer.status == 413
        answer = stand.ask(path, {"content-encoding": "br"}, method="POST", body=gzip.compress(TEXT))
        assert answer.status == 400
        answer = stand.ask(path, {"content-encoding": "compress"}, method="POST", body=b"x")
        assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, deflate, br, zstd")
    assert stand.service.seen == []


def test_a_bomb_in_pieces_breaks_off_what_has_begun(stand: Stand) -> None:
    bomb = gzip.compress(bytes(100 << 20))
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as client:
        client.sendall(
            b"POST /in/x HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        )
        client.sendall(bomb[:2000])
        client.sendall(bomb[2000:])
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 413 ")
