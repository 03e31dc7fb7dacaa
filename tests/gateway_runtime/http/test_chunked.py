"""The chunked coding, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.http.chunked import LAST_CHUNK, ChunkedDecoder, ChunkError, encode_chunk


def feed(data: bytes, size: int) -> tuple[bytes, ChunkedDecoder]:
    decoder = ChunkedDecoder()
    content = b""
    for start in range(0, len(data), size):
        if decoder.done:
            decoder.rest += data[start : start + size]
        else:
            content += decoder.feed(data[start : start + size])
    return content, decoder


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.integers(1, 50), st.binary(max_size=10))
def test_what_is_encoded_is_decoded_and_the_rest_is_left_alone(chunks: list[bytes], size: int, after: bytes) -> None:
    data = b"".join(map(encode_chunk, chunks)) + LAST_CHUNK + after
    content, decoder = feed(data, size)
    assert content == b"".join(chunks)
    assert decoder.done
    assert decoder.rest == after


@pytest.mark.parametrize("size", range(1, 40))
def test_extensions_and_trailers_are_dropped(size: int) -> None:
    data = b'3;name="v"\r\nabc\r\n0\r\nContent-Length: 99\r\nHost: evil\r\n\r\nGET'
    content, decoder = feed(data, size)
    assert content == b"abc"
    assert decoder.rest == b"GET"


@pytest.mark.parametrize(
    "data",
    [b"\r\n", b"g\r\n", b"-1\r\n", b" 3\r\nabc", b"3 \r\nabc", b"1_0\r\n", b"3\nabc", b"3\r\nabcd\r\n", b"3\r\nabc\n0",
     b"3\r\nabc\rX", b"0\r\n\n", b"0\r\nbad line\r\n\r\n", b"0\r\n: x\r\n", b"1" * 16 + b"\r\n", b"1;" + b"x" * 300,
     b"0\r\nA: " + b"x" * 9000],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 3, 10_000])
def test_anything_else_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(ChunkError):
        feed(data, size)


def test_many_trailers_are_refused() -> None:
    with pytest.raises(ChunkError):
        feed(b"0\r\n" + b"A: b\r\n" * 3000, 10_000)
