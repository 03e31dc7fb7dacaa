"""Whatever a service answers, however it is cut: no crash, one answer for the client, and reuse only in no doubt."""

import re
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway_runtime.fakes import FakeClient, FakeGateway, FakeUpstream, get
from tests.gateway_runtime.http.streams import cut

PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 304 Not Modified\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 101 Switching\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"content-length: 40\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"X-A: 1\r\n", b"\r\n", b"\n", b"\r", b"abc", b"3\r\nabc\r\n", b"0\r\n\r\n",
    b"0\r\nX-T: 1\r\n\r\n", b"\x00", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
]  # fmt: skip
DATA = st.one_of(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=7).map(b"".join),
    st.tuples(
        st.sampled_from(PARTS[:4]),
        st.lists(st.sampled_from(PARTS[7:13]), max_size=2).map(b"".join),
        st.lists(st.sampled_from(PARTS[16:]), max_size=3).map(b"".join),
    ).map(lambda parts: parts[0] + parts[1] + b"\r\n" + parts[2]),
)
# What leaves a connection to be used again.
GOOD = [
    *PARTS[-2:], b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" + PARTS[-2],
]  # fmt: skip
_REQUEST_ID = re.compile(rb'(x-request-id: |"request_id":")[A-Za-z0-9._-]+')


class Heard(NamedTuple):
    """What the client got, without what differs from request to request, and whether the connection can be reused."""

    answer: bytes
    whole: bool
    reusable: bool


def hear(client: FakeClient, upstream: FakeUpstream, pieces: list[bytes], method: str) -> Heard:
    """Ask, let the service answer, and let it end the connection where the answer is not whole then."""
    client.send(get(method=method))
    assert upstream.take().startswith(method.encode())
    for piece in pieces:
        if upstream.transport.closed:
            break
        upstream.answer(piece)
    exchange = client.connection.exchange
    if exchange is not None and not upstream.transport.closed:
        upstream.go()
    assert client.connection.exchange is None, "the service has gone and the client still waits"
    answer = _REQUEST_ID.sub(rb"\1", client.take())
    return Heard(answer, not client.transport.aborted, not upstream.transport.closed and exchange is None)


def finals(answer: bytes) -> list[bytes]:
    """Return the status lines of the answers in these bytes that are no interim ones."""
    return [line for line in re.findall(rb"HTTP/1\.1 \d+ [A-Za-z ]+(?=\r\n)", answer) if line[9:10] != b"1"]


@pytest.mark.parametrize("data", GOOD)
def test_a_good_answer_leaves_the_connection_to_be_used_again(data: bytes) -> None:
    gateway = FakeGateway()
    upstream = gateway.upstream()
    client = gateway.client()
    for size in (len(data), 1, 7):
        assert hear(client, upstream, cut(data, range(size, len(data), size)), "GET").reusable


@settings(deadline=None, max_examples=400)
@given(DATA, st.lists(st.integers(1, 200), max_size=8), st.sampled_from(["GET", "HEAD"]))
def test_an_answer_is_the_same_wherever_it_is_cut(data: bytes, cuts: list[int], method: str) -> None:
    heard = []
    for pieces in ([data], cut(data, cuts)):
        gateway = FakeGateway()
        upstream = gateway.upstream()
        heard.append(hear(gateway.client(), upstream, pieces, method))
        assert gateway.pool.active == 0
    assert heard[0].reusable == heard[1].reusable
    if heard[0].reusable:
        assert finals(heard[0].answer) == finals(heard[1].answer)
        assert len(finals(heard[0].answer)) == 1


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(GOOD),
    st.one_of(DATA, st.sampled_from(GOOD), st.tuples(st.sampled_from(GOOD), st.sampled_from(PARTS)).map(b"".join)),
    st.sampled_from(["GET", "HEAD"]),
    st.sampled_from(["GET", "HEAD"]),
)
def test_an_answer_means_what_it_would_mean_without_the_one_before(
    first: bytes, second: bytes, before: str, method: str
) -> None:
    gateway = FakeGateway()
    upstream = gateway.upstream()
    client = gateway.client()
    if not hear(client, upstream, [first], before).reusable or client.hung_up:
        return
    fresh = FakeGateway()
    assert hear(client, upstream, [second], method) == hear(fresh.client(), fresh.upstream(), [second], method)
