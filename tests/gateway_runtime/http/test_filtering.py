"""Bodies that stream through filters, in either direction, without being held."""

import asyncio

import pytest

from gateway_runtime.http.chunked import ChunkedDecoder
from gateway_runtime.http.filtering import Filtering
from gateway_runtime.policies.chain import Binding
from gateway_runtime.schema.policy import Handlers
from gateway_runtime.upstream.pool import Pool
from tests.gateway_runtime.fakes import OK, FakeGateway, FakeUpstream, get, refuse_all
from tests.gateway_runtime.http.bodies import Filter, Swallow, filtering, reader

from .test_gathering import framing, post, settle

CHUNKS = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"


def changing() -> Filter:
    return Filter(b"!", keeps_length=False)


def careful() -> Filter:
    return Filter(bad=b"bad")


def test_filters_in_a_row_and_what_they_still_have_at_the_end() -> None:
    row = Filtering([Swallow(), Filter(b"!")], -1)
    assert (row.feed(b"a"), row.feed(b""), row.feed(b"b"), row.finish()) == (b"", b"", b"", b"<AB>!")


@pytest.mark.parametrize("announced", [2, 4])
def test_a_filter_that_does_not_keep_the_length_it_promised_is_caught(announced: int) -> None:
    row = Filtering([Filter(b"!")], announced)
    with pytest.raises(ValueError, match="keeps the length"):
        print(row.feed(b"ab"), row.finish())


# Requests


def test_a_request_streams_through_and_keeps_its_length() -> None:
    gateway = FakeGateway(filtering(Filter))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5") + b"he")
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"HE", [b"content-length: 5"])
    client.send(b"llo" + get("/api/next"))
    assert upstream.take() == b"LLO"
    upstream.answer(OK)
    assert upstream.take().startswith(b"GET /next ")


@pytest.mark.parametrize("lines", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_request_that_changes_its_length_is_sent_in_chunks(lines: str) -> None:
    gateway = FakeGateway(filtering(changing), filtering(Filter))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post(lines))
    assert framing(upstream.take()) == [b"transfer-encoding: chunked"]
    if lines.startswith("Content"):
        client.send(b"he")
        client.send(b"llo")
    else:
        client.send(CHUNKS[:7])
        client.send(CHUNKS[7:])
    sent = upstream.take()
    decoder = ChunkedDecoder()
    assert (decoder.feed(sent), decoder.done, decoder.rest) == (b"HELLO!", True, b"")
    upstream.answer(OK)
    assert client.take().endswith(b"hi")
    assert len(gateway.pool.targets[0].idle) == 1


@pytest.mark.parametrize("keeps", [True, False])
def test_a_request_that_changes_its_length_has_no_digest_of_the_old_body(keeps: bool) -> None:
    gateway = FakeGateway(filtering(lambda: Filter(keeps_length=keeps)))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 5", "Content-Digest: a", "Digest: b", "X-Kept: 1") + b"he")
    head = upstream.take().lower()
    assert head.count(b"digest: ") == (2 if keeps else 0)
    assert b"x-kept: 1" in head


@pytest.mark.parametrize("lines", ["Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_whole_request_is_sent_with_its_new_length(lines: str) -> None:
    gateway = FakeGateway(filtering(Swallow))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post(lines) + (b"hello" if lines.startswith("Content") else CHUNKS))
    head, _, body = upstream.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"<hello>", [b"content-length: 7"])


def test_a_request_without_a_body_is_not_filtered() -> None:
    gateway = FakeGateway(filtering(Swallow))
    upstream, client = gateway.upstream(), gateway.client()
    for lines in ((), ("Content-Length: 0",)):
        client.send(get("/api/x", *lines))
        assert upstream.take().endswith(b"\r\n\r\n")
        upstream.answer(OK)


def test_a_service_that_is_full_stops_the_client_through_a_filter() -> None:
    gateway = FakeGateway(filtering(changing))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 9") + b"he")
    upstream.connection.pause_writing()
    assert not client.transport.reading
    upstream.connection.resume_writing()
    assert client.transport.reading
    client.connection.pause_writing()
    assert not upstream.transport.reading


@pytest.mark.parametrize("pieces", [[b"bad"], [b"", b"bad"], [b"b", b"bad"], [b"", b"ba", b"bad"]])
def test_a_filter_refuses_a_request_whose_answer_has_not_begun(pieces: list[bytes]) -> None:
    gateway = FakeGateway(filtering(careful))
    upstream, client = gateway.upstream(), gateway.client()
    body = b"".join(pieces)
    client.send(post(f"Content-Length: {len(body)}") + pieces[0])
    for piece in pieces[1:]:
        client.send(piece)
    status, problem, _ = client.take_problem()
    assert (status, problem["code"], problem["policy"]) == (422, "bad_content", "reader")
    assert upstream.transport.aborted or not upstream.transport.written
    assert not client.hung_up
    (row,) = gateway.recorded.rows
    assert (row["status"], row["policy"]) == (422, "reader")
    gateway.upstream()
    client.send(get())
    assert not client.hung_up


def test_the_rest_of_a_request_that_a_filter_has_refused_is_thrown_away() -> None:
    gateway = FakeGateway(filtering(careful))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 10"))
    client.send(b"bad")
    assert client.take().startswith(b"HTTP/1.1 422 ")
    assert upstream.transport.aborted
    fresh = gateway.upstream()
    client.send(b"badbad!" + get("/api/next"))
    assert fresh.take().startswith(b"GET /next ")


def test_a_filter_that_refuses_once_the_answer_has_begun_cuts_it_off() -> None:
    gateway = FakeGateway(filtering(careful))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 10") + b"ok")
    upstream.answer(OK[:-1])
    client.send(b"bad")
    assert client.transport.aborted
    assert upstream.transport.aborted
    assert gateway.recorded.rows[0]["code"] == "bad_content"


def test_a_filter_that_breaks_is_an_internal_error() -> None:
    gateway = FakeGateway(filtering(lambda: Filter(b"too much")))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(post("Content-Length: 3") + b"he")
    client.send(b"y")
    assert client.take_problem()[1]["code"] == "internal_error"
    assert upstream.transport.aborted


@pytest.mark.parametrize("refused", [False, True])
def test_what_has_come_before_there_is_a_connection_is_filtered_then(
    refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        gateway = FakeGateway(filtering(changing), filtering(lambda: Filter(bad=b"HE" if refused else b"")))
        client, upstream = gateway.client(), FakeUpstream(gateway.pool, idle=False)
        known = asyncio.Event()

        async def connect(pool: Pool, target: object) -> object:
            await known.wait()
            return upstream.connection

        monkeypatch.setattr(Pool, "connect", connect)
        client.send(post("Content-Length: 5") + b"he")
        await settle()
        assert not client.transport.reading
        known.set()
        await settle()
        if refused:
            assert client.take().startswith(b"HTTP/1.1 422 ")
            assert upstream.transport.aborted
        else:
            assert upstream.take().endswith(b"2\r\nHE\r\n")
            client.send(b"llo")
            assert upstream.take() == b"4\r\nLLO!\r\n0\r\n\r\n"

    asyncio.run(scenario())


# Answers


def test_an_answer_streams_through_and_keeps_its_length() -> None:
    gateway = FakeGateway(filtering(Filter, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"HE", [b"content-length: 5"])
    upstream.answer(b"llo")
    assert client.take() == b"LLO"
    assert not client.hung_up


def test_an_answer_that_changes_its_length_is_written_in_chunks() -> None:
    gateway = FakeGateway(filtering(Filter, answers=True), filtering(changing, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDigest: a\r\n\r\nhe")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"2\r\nHE\r\n", [b"transfer-encoding: chunked"])
    assert b"digest" not in head.lower()
    upstream.answer(b"llo")
    assert client.take() == b"4\r\nLLO!\r\n0\r\n\r\n"
    assert not client.hung_up


def test_an_old_client_gets_an_answer_that_changes_its_length_to_the_end_of_the_connection() -> None:
    gateway = FakeGateway(filtering(changing, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get("/api/x", "Connection: keep-alive", version="1.0"))
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    upstream.answer(b"llo")
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"HELLO!", [])
    assert b"connection: close" in head
    assert client.hung_up


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ],
)
def test_a_whole_answer_is_written_with_its_new_length(answer: bytes) -> None:
    gateway = FakeGateway(filtering(changing, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(answer)
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert (body, framing(head)) == (b"HELLO!", [b"content-length: 6"])
    assert client.transport.writes == 1


def test_the_gateways_own_refusals_are_filtered_too() -> None:
    gateway = FakeGateway(filtering(changing, answers=True), Binding("door", Handlers(request_headers=refuse_all)))
    client = gateway.client()
    client.send(get())
    head, _, body = client.take().partition(b"\r\n\r\n")
    assert body.endswith(b'"}!'.upper())
    assert framing(head) == [b"content-length: %d" % len(body)]


def test_a_filter_that_holds_back_lets_the_answer_end() -> None:
    gateway = FakeGateway(filtering(Swallow, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    assert client.take().endswith(b"\r\n\r\n")
    upstream.answer(b"llo")
    assert client.take() == b"7\r\n<hello>\r\n0\r\n\r\n"


def test_a_client_that_is_full_stops_the_service_through_a_filter() -> None:
    gateway = FakeGateway(filtering(changing, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    client.connection.pause_writing()
    assert not upstream.transport.reading
    client.connection.resume_writing()
    assert upstream.transport.reading


@pytest.mark.parametrize("keeps", [True, False])
def test_a_filter_refuses_an_answer_at_its_beginning_and_cuts_it_off_later(keeps: bool) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    for first, rest in ((b"bad", b""), (b"badly", b""), (b"ok", b"bad")):
        gateway = FakeGateway(filtering(lambda: Filter(bad=b"bad", keeps_length=keeps), answers=True))
        upstream, client = gateway.upstream(), gateway.client()
        client.send(get())
        upstream.answer(answer + first)
        if rest:
            upstream.answer(rest)
            assert client.take().partition(b"\r\n\r\n")[2] in (b"OK", b"2\r\nOK\r\n")
            assert client.transport.aborted
        else:
            assert client.take_problem()[0] == 422
        assert gateway.recorded.rows[0]["code"] == "bad_content"
        assert gateway.pool.active == 0


def test_a_service_that_breaks_off_never_ends_the_filters() -> None:
    gateway = FakeGateway(filtering(Swallow, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    upstream.go(ConnectionResetError())
    assert b"<" not in client.take()
    assert client.transport.aborted


def test_a_policy_before_it_sees_the_whole_answer_as_a_filter_makes_it() -> None:
    log: list[bytes] = []
    gateway = FakeGateway(reader(answers=True, log=log), filtering(changing, answers=True))
    upstream, client = gateway.upstream(), gateway.client()
    client.send(get())
    upstream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
    upstream.answer(b"llo")
    assert log == [b"HELLO!"]
    assert client.take().endswith(b"\r\n\r\nHELLO!")
