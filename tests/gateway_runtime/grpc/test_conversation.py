"""Messages both ways over one stream: in turns, and every way in which that ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from h2.errors import ErrorCodes

from gateway_runtime.grpc import conversation as module
from gateway_runtime.grpc.conversation import Conversation
from gateway_runtime.grpc.framing import CallFailed
from gateway_runtime.tasks import spawn
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from tests.gateway_runtime.http2.peers import Http2Gateway, Http2Service, settle

GRPC = (b"content-type", b"application/grpc")
FINE, FAILED = [(b"grpc-status", b"0")], [(b"grpc-status", b"13")]


def frame(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


class Place:
    """A conversation with a service on a connection without a socket."""

    def __init__(self, limit: int = 100) -> None:
        self.gateway = Http2Gateway()
        self.pool = self.gateway.pool
        self.service = Http2Service(self.pool)
        self.talk = Conversation(self.pool, b"/a.B/C", limit=limit, clock=self.gateway.clock)

    async def say(self, message: bytes) -> "asyncio.Task[bytes | None]":
        """Begin to say something."""
        task = spawn("say", self.talk.say(message, seconds=10))
        await settle()
        self.service.flush()
        return task

    @property
    def number(self) -> int:
        return self.service.asked[-1]

    def begin(self, body: bytes = b"") -> None:
        """Let the service begin its answer."""
        self.service.h2.send_headers(self.number, [(b":status", b"200"), GRPC])
        self.answer(body)

    def answer(self, body: bytes) -> None:
        if body:
            self.service.h2.send_data(self.number, body)
        self.service.flush()

    def end(self, trailers: list[tuple[bytes, bytes]] = FINE) -> None:
        self.service.h2.send_headers(self.number, trailers, end_stream=True)
        self.service.flush()

    @property
    def heard(self) -> Any:
        self.service.flush()
        return self.service.streams[self.number]

    @property
    def is_free(self) -> bool:
        """Whether the connection has no stream any more."""
        return self.service.connection.is_idle() and not self.pool.active


def run(test: Callable[[Place], Awaitable[None]], **more: Any) -> None:
    async def scenario() -> None:
        place = Place(**more)
        await test(place)
        assert place.is_free

    asyncio.run(scenario())


def test_messages_in_turns_and_a_farewell() -> None:
    async def test(place: Place) -> None:
        first = await place.say(b"one")
        fields = dict(place.heard.fields)
        assert (fields[b":method"], fields[b":path"], fields[b"te"]) == (b"POST", b"/a.B/C", b"trailers")
        assert place.heard.body == frame(b"one")
        place.begin(frame(b"1"))
        assert await first == b"1"
        second = await place.say(b"two")
        assert place.heard.body == frame(b"one") + frame(b"two")
        place.answer(frame(b"2"))
        assert await second == b"2"
        place.talk.end()
        assert place.heard.ended
        assert not place.is_free
        place.end()
        assert place.heard.reset is None

    run(test)


def test_a_message_in_pieces_is_whole_with_the_last_of_them() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin()
        for byte in frame(b"abc"):
            assert not said.done()
            place.answer(bytes((byte,)))
            await settle()
        assert await said == b"abc"
        place.talk.break_off()

    run(test)


def test_more_than_one_answer_to_a_message_is_heard_one_by_one() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin(frame(b"wait") + frame(b"now"))
        assert (await said, await place.talk.hear()) == (b"wait", b"now")
        place.talk.break_off()

    run(test)


def test_an_answer_to_nothing_is_no_answer_to_what_is_said_next() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin(frame(b"a") + frame(b"spurious"))
        await said
        with pytest.raises(UpstreamError, match="bad_response"):
            await place.talk.say(b"", seconds=10)

    run(test)


def test_the_other_side_can_end_it_in_good_order() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin()
        place.end()
        assert await said is None
        assert place.talk.over
        assert await place.talk.say(b"more", seconds=10) is None
        place.talk.end()

    run(test)


def test_what_has_come_before_the_end_is_heard() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.service.h2.send_headers(place.number, [(b":status", b"200"), GRPC])
        place.service.h2.send_data(place.number, frame(b"last"))
        place.end()
        assert await said == b"last"
        assert await place.talk.say(b"more", seconds=10) is None

    run(test)


def test_an_error_at_the_end_is_told_once_somebody_asks() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin(frame(b"a"))
        assert await said == b"a"
        place.end(FAILED)
        with pytest.raises(CallFailed) as caught:
            await place.talk.say(b"more", seconds=10)
        assert caught.value.status == 13

    run(test)


def test_an_answer_that_is_nothing_but_an_error() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.service.answer(place.number, GRPC, *FAILED)
        with pytest.raises(CallFailed):
            await said

    run(test)


@pytest.mark.parametrize("body", [b"\1\0\0\0\0", frame(b"x" * 101), frame(b"")[:4]])
def test_what_is_no_message_ends_it(body: bytes) -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin(body)
        if not place.talk.over and not said.done() and len(body) < 5:
            place.end()
        with pytest.raises(UpstreamError, match="bad_response"):
            await said

    run(test)


@pytest.mark.parametrize(
    "head", [[(b":status", b"404"), GRPC], [(b":status", b"200"), (b"content-type", b"text/html")]]
)
def test_what_is_no_answer_of_grpc_ends_it(head: list[tuple[bytes, bytes]]) -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.service.h2.send_headers(place.number, head)
        place.service.flush()
        with pytest.raises(UpstreamError, match="bad_response"):
            await said
        assert place.heard.reset == ErrorCodes.CANCEL

    run(test)


def test_a_stream_that_is_reset_is_an_error() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin()
        place.service.h2.reset_stream(place.number, ErrorCodes.INTERNAL_ERROR)
        place.service.flush()
        with pytest.raises(UpstreamError, match="reset"):
            await said

    run(test)


def test_to_end_it_while_an_answer_is_waited_for_breaks_it_off() -> None:
    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.talk.end()
        assert await said is None
        assert place.heard.reset == ErrorCodes.CANCEL
        place.talk.end()

    run(test)


def test_whoever_does_not_say_farewell_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FAREWELL_SECONDS", 0.01)

    async def test(place: Place) -> None:
        said = await place.say(b"")
        place.begin(frame(b"a"))
        await said
        place.talk.end()
        place.talk.end()
        assert place.heard.reset is None
        await asyncio.sleep(0.03)
        assert place.heard.reset == ErrorCodes.CANCEL

    run(test)


@pytest.mark.parametrize("begun", [True, False])
def test_an_answer_that_takes_too_long_ends_it(begun: bool) -> None:
    async def test(place: Place) -> None:
        if begun:
            said = await place.say(b"")
            place.begin(frame(b"a"))
            await said
        with pytest.raises(UpstreamError, match="timeout"):
            await place.talk.say(b"", seconds=0.01)
        assert place.heard.reset == ErrorCodes.CANCEL

    run(test)


def test_one_more_answer_has_the_time_that_is_left_or_its_own() -> None:
    async def test(place: Place) -> None:
        said = spawn("say", place.talk.say(b"", seconds=0.05))
        await settle()
        place.begin(frame(b"wait"))
        await said
        more = spawn("hear", place.talk.hear(seconds=10))
        await asyncio.sleep(0.1)
        place.answer(frame(b"now"))
        assert await more == b"now"
        place.talk.break_off()

    run(test)


def test_nothing_is_asked_before_something_is_said() -> None:
    async def test(place: Place) -> None:
        place.talk.end()
        assert await place.talk.say(b"", seconds=10) is None
        assert place.service.asked == []

    run(test)


# Connections


def test_a_kept_connection_that_was_just_closed_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(place: Place) -> None:
        async def connect(target: Any) -> Any:
            place.service = Http2Service(place.pool)
            return target.acquire(0.0)

        monkeypatch.setattr(type(place.pool), "connect", lambda pool, target: connect(target))
        old = place.service
        said = await place.say(b"one")
        old.connection.connection_lost(None)
        await settle()
        assert place.heard.body == frame(b"one")
        place.begin(frame(b"1"))
        assert await said == b"1"
        place.talk.break_off()

    run(test)


def test_a_connection_that_comes_too_late_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(place: Place) -> None:
        made = asyncio.Event()

        async def connect(target: Any) -> Any:
            await made.wait()
            return place.service.connection.reserve()

        monkeypatch.setattr(type(place.pool), "connect", lambda pool, target: connect(target))
        place.pool.targets[0].connections.clear()
        said = await place.say(b"one")
        place.talk.end()
        made.set()
        assert await said is None
        assert place.service.asked == []

    run(test)


def test_a_service_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(place: Place) -> None:
        async def connect(target: Any) -> Any:
            raise UpstreamError(REFUSED)

        monkeypatch.setattr(type(place.pool), "connect", lambda pool, target: connect(target))
        place.pool.targets[0].connections.clear()
        with pytest.raises(UpstreamError, match="refused"):
            await place.talk.say(b"one", seconds=10)

    run(test)
