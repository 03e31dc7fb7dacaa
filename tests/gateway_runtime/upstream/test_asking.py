"""One question and its whole answer, on connections without sockets."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway_runtime.upstream.asking import Answered, ask
from gateway_runtime.upstream.connection import UpstreamConnection
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from gateway_runtime.upstream.target import TargetConnections
from tests.gateway_runtime.fakes import FakeTransport

Answering = Callable[[UpstreamConnection], None]


def says(*pieces: bytes) -> Answering:
    def answer(connection: UpstreamConnection) -> None:
        for piece in pieces:
            connection.data_received(piece)

    return answer


def hang_up(connection: UpstreamConnection) -> None:
    connection.connection_lost(None)


def stay_silent(connection: UpstreamConnection) -> None:
    pass


class FakePool:
    """One target. Each question is answered by the next of `answers`; `connected` counts new connections."""

    def __init__(self, *answers: Answering) -> None:
        self.target = TargetConnections("authorizer", 9191, "http")
        self.target.idle_until = 1e9
        self.answers = list(answers)
        self.connected = 0
        self.transports: list[FakeTransport] = []
        self.fails = False

    def choose(self, exchange: Any) -> TargetConnections:
        return self.target

    async def connect(self, target: TargetConnections) -> UpstreamConnection:
        if self.fails:
            raise UpstreamError(REFUSED)
        self.connected += 1
        connection = UpstreamConnection(target)
        transport = _Transport(self, connection)
        self.transports.append(transport)
        connection.connection_made(transport)  # type: ignore[arg-type]
        return connection


class _Transport(FakeTransport):
    def __init__(self, pool: FakePool, connection: UpstreamConnection) -> None:
        super().__init__()
        self._pool, self._connection = pool, connection

    def write(self, data: bytes) -> None:
        super().write(data)
        if data.endswith(b"\r\n\r\n") or not data.startswith((b"GET", b"POST", b"HEAD")):
            answer = self._pool.answers.pop(0)
            asyncio.get_running_loop().call_soon(answer, self._connection)


def question(pool: FakePool, *, method: bytes = b"GET", **more: Any) -> Answered:
    async def run() -> Answered:
        return await ask(
            pool, method, b"/a", [b"x-a: 1"], **{"seconds": 0.2, "limit": 10, "clock": lambda: 0.0, **more}
        )  # type: ignore[arg-type]

    return asyncio.run(run())


def code(pool: FakePool, **more: Any) -> str:
    with pytest.raises(UpstreamError) as caught:
        question(pool, **more)
    return caught.value.response.code


GOOD = b"HTTP/1.1 200 OK\r\nX-B: 2\r\ncontent-length: 2\r\n\r\nhi"


def test_an_answer_comes_whole_however_it_is_cut() -> None:
    for size in (len(GOOD), 1):
        pool = FakePool(says(*(GOOD[start : start + size] for start in range(0, len(GOOD), size))))
        answered = question(pool)
        assert (answered.status, answered.body) == (200, b"hi")
        assert (b"x-b", b"2") in answered.fields
        assert pool.transports[0].take() == b"GET /a HTTP/1.1\r\nhost: authorizer:9191\r\nx-a: 1\r\n\r\n"


def test_a_question_can_have_another_host_and_a_body() -> None:
    pool = FakePool(stay_silent, says(GOOD))
    question(pool, method=b"POST", host=b"shop.example", body=b"xyz")
    sent = pool.transports[0].take()
    assert sent == b"POST /a HTTP/1.1\r\nhost: shop.example\r\nx-a: 1\r\ncontent-length: 3\r\n\r\nxyz"


def test_a_connection_is_used_again() -> None:
    pool = FakePool(says(GOOD), says(GOOD))

    async def run() -> None:
        for _ in range(2):
            await ask(pool, b"GET", b"/", [], seconds=1, limit=10, clock=lambda: 0.0)  # type: ignore[arg-type]

    asyncio.run(run())
    assert pool.connected == 1


def test_a_kept_connection_that_is_closed_just_then_is_replaced_once() -> None:
    pool = FakePool(says(GOOD), hang_up, says(GOOD))

    async def run() -> None:
        for _ in range(2):
            await ask(pool, b"GET", b"/", [], seconds=1, limit=10, clock=lambda: 0.0)  # type: ignore[arg-type]

    asyncio.run(run())
    assert pool.connected == 2


def test_a_new_connection_that_is_closed_is_a_failure() -> None:
    pool = FakePool(hang_up)
    assert code(pool) == "upstream_reset"
    assert pool.connected == 1


def test_silence_ends_with_the_time_and_the_connection() -> None:
    pool = FakePool(stay_silent)
    assert code(pool, seconds=0.02) == "upstream_timeout"
    assert pool.transports[0].aborted
    assert pool.target.active == 0


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n" + b"x" * 11,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"6\r\nxxxxxx\r\n" * 2,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11,
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_too_large_or_no_answer_is_a_failure(data: bytes) -> None:
    pool = FakePool(says(data))
    assert code(pool) == "upstream_bad_response"
    assert pool.target.active == 0


def test_a_service_that_cannot_be_reached_is_a_failure() -> None:
    pool = FakePool()
    pool.fails = True
    assert code(pool) == "upstream_refused"
