"""Whatever bytes come, however they are cut: no crash, no hang, nothing left over, and never two readings."""

import gc
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.http.exchange import Exchange
from gateway_runtime.http.protocol import ClientConnection
from gateway_runtime.upstream.connection import UpstreamConnection
from tests.gateway_runtime.fakes import get
from tests.gateway_runtime.http.streams import cut, read

# Streams that once mattered, or stand for a class. As text, because line ends are what they are about.
CORPUS = {
    name: stream.encode("latin-1")
    for name, stream in json.loads(Path(__file__).with_name("corpus.json").read_text(encoding="utf-8")).items()
}

PARTS = [
    b"GET /api/x HTTP/1.1\r\n", b"POST /api/y?q=1 HTTP/1.1\r\n", b"HEAD /api/z HTTP/1.1\r\n",
    b"PUT /api/w HTTP/1.0\r\n", b"GET /none HTTP/1.1\r\n",
    b"Host: shop.example\r\n", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"content-length: 11\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: keep-alive, x-a\r\n", b"X-A: 1\r\n", b"\r\n",
    b"\r\n\r\n", b"\n", b"\r", b" ", b"\t", b":",
    b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n", b"3;x=y\r\nabc\r\n", b"0\r\nX-T: 1\r\n\r\n", b"b\r\nabc", b"\x00", b"\xff",
    b"%2e", b"/../", b";",
    b"GET /api/s HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /api/t HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /api/u HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HEAD /api/v HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
]  # fmt: skip
STREAMS = st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(1, 400), max_size=12)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a stream of the corpus with a few bytes changed, taken out, put in or repeated."""
    data = draw(st.sampled_from(sorted(CORPUS.values())))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data = data[:at] + draw(st.binary(min_size=1, max_size=2)) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + draw(st.integers(1, 8)) :]
            case 2:
                data = data[:at] + draw(st.sampled_from(PARTS)) + data[at:]
            case _:
                data = data[:at] + data[max(0, at - draw(st.integers(1, 40))) :]
    return data


@pytest.mark.parametrize("data", CORPUS.values(), ids=CORPUS)
def test_a_saved_stream_has_one_reading_wherever_it_is_cut(data: bytes) -> None:
    whole = read([data])
    for at in range(1, len(data)):
        assert read(cut(data, [at])).agrees_with(whole), at
    for size in (1, 2, 3, 5, 17):
        assert read(cut(data, range(size, len(data), size))).agrees_with(whole), size


@settings(deadline=None, max_examples=400)
@given(STREAMS, CUTS)
def test_a_stream_of_parts_has_one_reading_wherever_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert read(cut(data, cuts)).agrees_with(read([data]))


@settings(deadline=None, max_examples=400)
@given(mutated(), CUTS)
def test_a_mutated_stream_has_one_reading_wherever_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert read(cut(data, cuts)).agrees_with(read([data]))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200), CUTS)
def test_any_bytes_have_one_reading_wherever_they_are_cut(data: bytes, cuts: list[int]) -> None:
    assert read(cut(data, cuts)).agrees_with(read([data]))


def test_what_has_ended_is_let_go() -> None:
    def alive() -> int:
        gc.collect()
        # Not isinstance: it would wake lazy objects of other libraries, which say what they are only when asked.
        kinds = (ClientConnection, Exchange, UpstreamConnection)
        return sum(issubclass(type(each), kinds) for each in gc.get_objects())

    before = alive()
    for data in CORPUS.values():
        for cuts in ([], [len(data) // 2], range(0, len(data), 7)):
            read(cut(data, cuts))
    assert alive() == before


def test_a_good_request_after_any_saved_stream_is_read_rightly() -> None:
    for name, data in CORPUS.items():
        read([data])
        reading = read([get()])
        assert [head.split(b"\r\n")[0] for head, _ in reading.requests] == [b"GET /x HTTP/1.1"], name
