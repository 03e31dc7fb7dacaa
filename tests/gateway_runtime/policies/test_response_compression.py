import gzip
import itertools
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.response_compression_coding import preferred
from gateway_runtime.policies.results import BodyFilter
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "response-compression"
ALL = ("zstd", "br", "gzip")
TEXT = b'{"message": "hello, hello, hello"}' * 100


def read(coding: str, data: bytes) -> bytes:
    """Read as much as there is, whole or not."""
    if coding == "gzip":
        return zlib.decompressobj(31).decompress(data)
    if coding == "br":
        return brotli.Decompressor().process(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def answered(
    headers: dict[str, str] | None = None,
    *,
    accept: str = "gzip",
    status: int = 200,
    case: PolicyCase | None = None,
    **config: object,
) -> tuple[dict[str, str], BodyFilter | None]:
    case = case or policy_case(NAME, dict(config))
    context = request(headers={"accept-encoding": accept} if accept else {})
    case.send(context)
    given = {"content-type": "application/json", "content-length": "5000"} if headers is None else headers
    found = case.answer(context, given, status=status)
    filters = context.response_filters or []
    assert len(filters) <= 1
    return found, filters[0] if filters else None


# What the caller prefers


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"), ("GZIP", "gzip"), ("x-gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("deflate", None),
        ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "br"), ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("gzip ; q=0.5,br;q=0.501", "br"), ("gzip;q=0", None), ("gzip;q=0.000, *", "zstd"), ("*", "zstd"),
        ("*;q=0", None),
        ("zstd;q=0, *;q=0.1", "br"), ("identity", None), ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"), ("identity;q=0, br", "br"), ("", None), (",,gzip,", "gzip"),
        ("gzip;q=2", None), ("gzip;q=0.1234", None), ("gzip;level=9", None), ("gzip br", None),
        ("a," * 400 + "gzip", None),
    ],
)  # fmt: skip
def test_the_coding_that_a_caller_likes_best(accept: str, coding: str | None) -> None:
    assert preferred(accept.encode(), ALL) == coding


def test_ours_comes_first_where_a_caller_likes_several_as_well() -> None:
    for order in itertools.permutations(ALL):
        assert preferred(b"br, gzip, zstd", order) == order[0]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_preference_or_none(accept: bytes) -> None:
    assert preferred(accept, ALL) in (None, *ALL)


# What is compressed


@pytest.mark.parametrize("coding", ALL)
@pytest.mark.parametrize("size", [1, 13, 5000])
def test_an_answer_is_compressed_and_says_so(coding: str, size: int) -> None:
    headers, compressing = answered(accept=coding)
    assert (headers["content-encoding"], headers["vary"]) == (coding, "accept-encoding")
    assert compressing is not None
    assert not compressing.keeps_length
    pieces = [compressing.feed(TEXT[at : at + size]) for at in range(0, len(TEXT), size)]
    data = b"".join([*pieces, compressing.finish()])
    assert read(coding, data) == TEXT
    assert len(data) < len(TEXT) / 5


@pytest.mark.parametrize("coding", ALL)
def test_an_answer_without_a_length_never_waits_for_more(coding: str) -> None:
    headers, compressing = answered({"content-type": "application/x-ndjson"}, accept=coding)
    assert headers["content-encoding"] == coding
    assert compressing is not None
    first = compressing.feed(b'{"a": 1}\n')
    assert read(coding, first) == b'{"a": 1}\n'
    second = compressing.feed(b'{"b": 2}\n')
    assert read(coding, first + second) == b'{"a": 1}\n{"b": 2}\n'
    assert read(coding, first + second + compressing.finish()) == b'{"a": 1}\n{"b": 2}\n'


def test_an_empty_body_is_a_whole_one() -> None:
    for coding in ALL:
        _, compressing = answered({"content-type": "text/plain"}, accept=coding)
        assert compressing is not None
        assert read(coding, compressing.finish()) == b""


LEFT: list[dict[str, str]] = [
    {"content-type": "application/json", "content-length": "1023"},
    {"content-type": "application/json", "content-length": "0"},
    {"content-type": "image/png", "content-length": "5000"},
    {"content-length": "5000"},
    {"content-type": "text/event-stream"},
    {"content-type": "text/event-stream; charset=utf-8"},
    {"content-type": "application/grpc"},
    {"content-type": "application/grpc+json"},
    {"content-type": "application/json", "content-encoding": "br"},
    {"content-type": "application/json", "content-encoding": "identity"},
    {"content-type": "application/json", "content-range": "bytes 0-1/2"},
    {"content-type": "application/json", "cache-control": "public, No-Transform"},
]


@pytest.mark.parametrize("headers", LEFT)
def test_what_is_left_as_it_is(headers: dict[str, str]) -> None:
    found, compressing = answered(headers, contentTypes=["application/json", "text/*", "*+json"])
    assert found == headers
    assert compressing is None


@pytest.mark.parametrize("status", [204, 205, 206])
def test_answers_that_have_no_body_or_a_part_of_one(status: int) -> None:
    headers, compressing = answered(status=status)
    assert "vary" not in headers
    assert compressing is None


def test_a_caller_that_cannot_read_it_is_told_that_others_can() -> None:
    for accept in ("", "identity", "compress", "gzip;q=0"):
        headers, compressing = answered(accept=accept)
        assert (headers["vary"], "content-encoding" in headers, compressing) == ("accept-encoding", False, None)
    assert answered({}, status=304)[0] == {"vary": "accept-encoding"}


@pytest.mark.parametrize(
    ("before", "after"), [("*", "*"), ("Accept-Encoding", "Accept-Encoding"), ("origin, accept-encoding ", None)]
)
def test_vary_is_said_once(before: str, after: str | None) -> None:
    headers = {"content-type": "text/html", "content-length": "5000", "vary": before}
    assert answered(headers)[0]["vary"] == (after or before)


def test_vary_is_added_to_another_one() -> None:
    case = policy_case(NAME, {})
    context = request(headers={"accept-encoding": "gzip"})
    case.send(context)
    case.answer(context, {"content-type": "text/html", "content-length": "5000", "vary": "origin"})
    assert [value for name, value in context.response_headers if name == b"vary"] == [b"origin", b"accept-encoding"]


@pytest.mark.parametrize(("before", "after"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"'), ("a", "a")])
def test_a_strong_tag_becomes_a_weak_one(before: str, after: str) -> None:
    headers = {"content-type": "text/html", "content-length": "5000", "etag": before, "accept-ranges": "bytes"}
    found, _ = answered(headers)
    assert found["etag"] == after
    assert "accept-ranges" not in found
    assert answered(headers, accept="")[0]["etag"] == before


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("text/html; charset=utf-8", True), ("TEXT/HTML", True), ("application/problem+json", True),
        ("application/json", True), ("application/jsonx", False), ("application/octet-stream", False),
        ("image/svg+xml", True), ("texts/html", False), ("", False),
    ],
)  # fmt: skip
def test_media_types(kind: str, taken: bool) -> None:
    _, compressing = answered({"content-type": kind, "content-length": "5000"})
    assert (compressing is not None) is taken


def test_the_header_is_read_before_another_policy_takes_it_away() -> None:
    case = policy_case(NAME, {})
    context: RequestContext = request(headers={"accept-encoding": "gzip"})
    case.send(context)  # type: ignore[arg-type]
    context.remove_header(b"accept-encoding")
    assert "content-encoding" in case.answer(context, {"content-type": "text/html", "content-length": "5000"})


def test_who_was_refused_before_it_came_gets_a_plain_answer() -> None:
    context = request(headers={"accept-encoding": "gzip"})
    headers = policy_case(NAME, {}).answer(context, {"content-type": "text/html", "content-length": "5000"})
    assert "content-encoding" not in headers


def test_many_different_callers_are_not_remembered_for_ever() -> None:
    case = policy_case(NAME, {})
    for number in range(2000):
        answered({"content-type": f"text/x-{number}"}, accept=f"gzip;q=1, x-{number}", case=case)
    assert answered(case=case)[0]["content-encoding"] == "gzip"


def test_levels() -> None:
    sizes = []
    for level in (1, 9):
        _, compressing = answered(gzipLevel=level)
        assert compressing is not None
        data = compressing.feed(bytes(range(256)) * 40 + TEXT) + compressing.finish()
        assert gzip.decompress(data) == bytes(range(256)) * 40 + TEXT
        sizes.append(len(data))
    assert sizes[0] >= sizes[1]


@pytest.mark.parametrize(
    "config",
    [
        {"codings": []}, {"codings": ["gzip", "gzip"]}, {"codings": ["deflate"]}, {"contentTypes": []},
        {"contentTypes": ["json"]}, {"contentTypes": ["*/*"]}, {"gzipLevel": 0}, {"brotliQuality": 12},
        {"zstdLevel": 20},
        {"minimumBytes": -1},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, config)
