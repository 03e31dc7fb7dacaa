import gzip
import time
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import Refused
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

NAME = "request-decompression"
TEXT = b'{"message": "hello, hello, hello"}' * 40


def raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


def sent(coding: str, length: int = -1, **config: int) -> RequestContext:
    context = request("POST", headers={"content-encoding": coding, "x-kept": "1"})
    context.body_length = length
    assert policy_case(NAME, config).send(context) is None
    return context


def decoded(coding: str, *pieces: bytes, **config: int) -> bytes:
    (reading,) = sent(coding, **config).request_filters or ()
    assert not reading.keeps_length
    return b"".join([*(reading.feed(piece) for piece in pieces), reading.finish()])


def refused(coding: str, *pieces: bytes, **config: int) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        decoded(coding, *pieces, **config)
    return caught.value.response.status, caught.value.response.code


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_each_coding_is_read_however_it_is_cut(coding: str, size: int) -> None:
    data = CODINGS[coding](TEXT)
    assert decoded(coding, *[data[at : at + size] for at in range(0, len(data), size)]) == TEXT


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.binary(max_size=3000), st.integers(1, 400))
def test_any_body_comes_out_as_it_was(coding: str, body: bytes, size: int) -> None:
    data = CODINGS[coding](body)
    assert decoded(coding, *[data[at : at + size] for at in range(0, len(data), size)]) == body


def test_the_header_goes_and_the_others_stay() -> None:
    assert sent("gzip").headers == [(b"x-kept", b"1")]


def test_deflate_without_its_wrapping_is_read_too() -> None:
    assert decoded("deflate", raw_deflate(TEXT)) == TEXT
    assert decoded("deflate", *[bytes([byte]) for byte in raw_deflate(TEXT)]) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_several_parts_after_one_another_are_one_body(coding: str) -> None:
    compress = CODINGS[coding]
    data = compress(b"a" * 500) + compress(b"") + compress(b"b" * 500)
    assert decoded(coding, data) == b"a" * 500 + b"b" * 500
    assert decoded(coding, *[bytes([byte]) for byte in data]) == b"a" * 500 + b"b" * 500


def test_very_many_empty_parts_are_no_trouble() -> None:
    assert decoded("gzip", gzip.compress(b"") * 5000) == b""


def test_very_many_parts_at_once_are_about_as_much_work_as_piece_by_piece() -> None:
    data = gzip.compress(b"") * 50_000

    def work(size: int) -> float:
        begun = time.process_time()
        assert decoded("gzip", *[data[at : at + size] for at in range(0, len(data), size)]) == b""
        return time.process_time() - begun

    assert work(len(data)) < 5 * work(4096)


@pytest.mark.parametrize("coding", ["identity", "", " Identity "])
def test_what_is_not_compressed_passes(coding: str) -> None:
    context = sent(coding)
    assert context.request_filters is None
    assert context.headers == [(b"x-kept", b"1")]


def test_without_a_header_or_a_body_nothing_is_done() -> None:
    plain = request("POST", body=b"x")
    assert policy_case(NAME, {}).send(plain) is None
    assert plain.request_filters is None
    context = sent("gzip", length=0)
    assert context.request_filters is None
    assert context.header(b"content-encoding") == b"gzip"


@pytest.mark.parametrize("coding", ["compress", "gzip, br", "gzip,gzip", "gzip;q=1", "*", "gz ip"])
def test_other_codings_and_several_are_not_supported(coding: str) -> None:
    context = request("POST", headers={"content-encoding": coding}, body=b"x")
    found = policy_case(NAME, {}).send(context)
    assert found is not None
    assert (found.status, found.code) == (415, "request_coding_not_supported")
    assert found.headers == ((b"accept-encoding", b"gzip, deflate, br, zstd"),)


def test_twenty_headers_are_several_codings() -> None:
    context = request("POST", headers=[("content-encoding", "gzip")] * 20, body=b"x")
    found = policy_case(NAME, {}).send(context)
    assert found is not None
    assert found.status == 415


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_in_the_coding_is_refused(coding: str) -> None:
    data = CODINGS[coding](TEXT)
    expected = (400, "request_body_not_decoded")
    assert refused(coding, b"\xff\xfe this is plain text, and nothing else at all") == expected
    assert refused(coding, data[:-3]) == expected
    assert refused(coding) == expected
    assert refused(coding, data, b"more after the end") == expected


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_exactly_as_many_bytes_as_may_come_out(coding: str) -> None:
    data = CODINGS[coding](TEXT)
    assert decoded(coding, data, maxBodyBytes=len(TEXT)) == TEXT
    assert refused(coding, data, maxBodyBytes=len(TEXT) - 1) == (413, "decoded_body_too_large")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_refused_soon(coding: str) -> None:
    bomb = CODINGS[coding](bytes(200 << 20) if coding != "br" else bytes(50 << 20))
    started = time.process_time()
    assert refused(coding, bomb, maxBodyBytes=1 << 30) in ((413, "decoded_body_suspicious"),)
    assert refused(coding, bomb, maxBodyBytes=1 << 20, maxRatio=100_000) == (413, "decoded_body_too_large")
    assert time.process_time() - started < 1.0


def test_a_body_of_one_letter_is_no_attack_as_long_as_it_is_small() -> None:
    small, large = b"a" * (1 << 20), b"a" * ((1 << 20) + 1)
    assert decoded("gzip", gzip.compress(small), maxRatio=10) == small
    assert refused("gzip", gzip.compress(large), maxRatio=10) == (413, "decoded_body_suspicious")


def test_a_window_that_no_sender_may_use_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=26)
    made = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = made.compress(TEXT) + made.flush()
    assert refused("zstd", data) == (400, "request_body_not_decoded")


def test_policies_behind_it_see_the_body_as_it_was() -> None:
    context = request("POST", headers={"content-encoding": "gzip"}, body=gzip.compress(TEXT))
    case = policy_case(NAME, {})
    assert case.send(context) is None
    (reading,) = context.request_filters or ()
    assert reading.feed(context.sent) + reading.finish() == TEXT


@pytest.mark.parametrize("config", [{"maxBodyBytes": 0}, {"maxRatio": 0}, {"maxBodyBytes": 1 << 31}])
def test_settings_that_cannot_be_are_refused(config: dict[str, int]) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, config)
