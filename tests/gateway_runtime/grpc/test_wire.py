"""The encoding, beside the library of protocol buffers itself."""

import pytest
from envoy.service.auth.v3 import attribute_context_pb2 as messages
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.grpc.wire import Message, WireError, entry, message, number, text, varint

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(st.dictionaries(WORDS, WORDS, max_size=8), WORDS, st.integers(-(2**63), 2**63 - 1))
def test_what_is_written_is_what_the_library_reads(headers: dict[str, str], path: str, size: int) -> None:
    written = b"".join((
        *(entry(3, key.encode(), value.encode()) for key, value in headers.items()),
        text(4, path.encode()),
        number(9, size),
    ))  # fmt: skip
    read = messages.AttributeContext.HttpRequest.FromString(written)
    assert (dict(read.headers), read.path, read.size) == (headers, path, size)


@given(st.dictionaries(WORDS, WORDS, max_size=8), WORDS, st.integers(-(2**63), 2**63 - 1))
def test_what_the_library_writes_is_read(headers: dict[str, str], path: str, size: int) -> None:
    made = messages.AttributeContext.HttpRequest(headers=headers, path=path, size=size)
    read = Message(made.SerializeToString())
    assert {each.text(1).decode(): each.text(2).decode() for each in read.messages(3)} == headers
    assert read.text(4).decode() == path
    assert read.number(9) == size % 2**64


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused_as_by_the_library(data: bytes) -> None:
    try:
        messages.AttributeContext.HttpRequest.FromString(data)
    except Exception:
        return  # stricter in what it reads of known fields
    try:
        Message(data)
    except WireError:
        # Groups are gone from the language, and nobody sends them.
        assert any(byte & 7 in (3, 4) for byte in data)


@pytest.mark.parametrize(
    "data",
    [b"\x80", b"\x0a\x05ab", b"\x0a", b"\x09abc", b"\x0dab", b"\x00\x01", b"\x0b", b"\x0f",
     b"\x08" + b"\xff" * 10 + b"\x01", b"\x0a\xff\xff\xff\xff\x0f"],
)  # fmt: skip
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        Message(data)


def test_the_last_one_counts_and_messages_are_merged() -> None:
    read = Message(
        number(1, 5)
        + number(1, 7)
        + text(2, b"a")
        + text(2, b"b")
        + message(3, number(1, 1))
        + message(3, text(2, b"x"))
    )
    assert (read.number(1), read.text(2)) == (7, b"b")
    assert (read.message(3).number(1), read.message(3).text(2)) == (1, b"x")


def test_what_is_not_there_or_of_another_type_is_nothing() -> None:
    read = Message(number(1, 5) + text(2, b"a"))
    assert (read.text(1), read.number(2), read.texts(9), read.message(9).number(1)) == (b"", 0, [], 0)
    assert 2 in read
    assert 1 not in read


def test_numbers_take_as_few_bytes_as_they_need() -> None:
    assert [varint(each) for each in (0, 127, 128, 300)] == [b"\0", b"\x7f", b"\x80\x01", b"\xac\x02"]
    assert len(varint(-1)) == 10
