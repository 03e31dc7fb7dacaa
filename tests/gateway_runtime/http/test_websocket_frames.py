"""Frame edges: found wherever the bytes are cut, and after a Close frame nothing more is said."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.http.websocket_frames import GOING_AWAY, NOT_ALLOWED, FrameEdges, close_frame


def frame(size: int, *, opcode: int = 2, masked: bool = False, end: bool = True) -> bytes:
    first = bytes([(0x80 if end else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        length = bytes([mask | size])
    elif size < 65536:
        length = bytes([mask | 126]) + size.to_bytes(2)
    else:
        length = bytes([mask | 127]) + size.to_bytes(8)
    return first + length + (b"\1\2\3\4" if masked else b"") + b"\x88" * size


FRAMES = st.lists(
    st.builds(frame, st.sampled_from([0, 1, 2, 125, 126, 127, 65535, 65536]), masked=st.booleans(), end=st.booleans()),
    max_size=6,
)


@given(FRAMES, st.randoms())
def test_the_edges_are_those_of_the_frames_however_the_bytes_are_cut(
    frames: list[bytes], chance: random.Random
) -> None:
    ends = {0}
    for each in frames:
        ends.add(max(ends) + len(each))
    data = b"".join(frames)
    edges, position = FrameEdges(), 0
    assert edges.between
    while position < len(data):
        step = chance.choice([1, 2, 3, 7, 130, 70_000])
        edges.follow(data[position : position + step])
        position = min(position + step, len(data))
        assert edges.between == (position in ends)
    assert not edges.closed


@given(FRAMES, st.integers(min_value=0, max_value=400_000))
def test_the_next_edge_is_the_end_of_the_frame_under_way(frames: list[bytes], position: int) -> None:
    data = b"".join(frames)
    position = min(position, len(data))
    edges, end = FrameEdges(), 0
    edges.follow(data[:position])
    for each in frames:
        if end >= position:
            break
        end += len(each)
    assert edges.next_edge(data[position:]) == end - position
    assert edges.between


def test_without_the_end_there_is_no_edge() -> None:
    edges = FrameEdges()
    whole = frame(10)
    assert edges.next_edge(whole[:1]) == 0
    edges.follow(whole[:1])
    assert edges.next_edge(whole[1:5]) == -1
    assert edges.next_edge(whole[5:]) == len(whole) - 5


@pytest.mark.parametrize("masked", [True, False])
def test_a_close_frame_is_noticed(masked: bool) -> None:
    edges = FrameEdges()
    for byte in frame(3) + frame(2, opcode=8, masked=masked):
        assert not edges.closed or not edges.between
        edges.follow(bytes([byte]))
    assert edges.closed


def test_a_length_that_cannot_be_has_no_edge_behind_it() -> None:
    edges = FrameEdges()
    edges.follow(b"\x82\x7f" + b"\xff" * 8 + b"\x88\x00" * 100)
    assert not edges.between
    assert not edges.closed


@pytest.mark.parametrize(("status", "payload"), [(GOING_AWAY, b"\x03\xe9"), (NOT_ALLOWED, b"\x03\xf0")])
def test_the_gateways_close_frame_says_why(status: int, payload: bytes) -> None:
    assert close_frame(status, masked=False) == b"\x88\x02" + payload
    sent = close_frame(status, masked=True)
    mask = sent[2:6]
    assert sent[:2] == b"\x88\x82"
    assert bytes(byte ^ mask[index] for index, byte in enumerate(sent[6:])) == payload
