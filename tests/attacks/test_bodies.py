"""A policy that reads bodies opens no door: class A again in front of one, and what only such a policy could break."""

import asyncio
import re
from dataclasses import replace

import pytest

from tests.attacks import framing
from tests.attacks.arena import Arena
from tests.attacks.client import Answer, RawClient
from tests.attacks.upstream import Seen
from tests.attacks.variants import (
    CHUNKED,
    HOST,
    SMUGGLED,
    TOKEN,
    Case,
    Outcome,
    Variant,
    answered,
    case,
    cut,
    head,
    plain,
    refused,
    surrounded,
)

MOST = 1 << 20
WAYS = (b"judged", b"sieved")
_ROOM_BYTES = 24 << 20


def at(path: bytes, given: Case) -> Case:
    """Return a case for another API. Its path is as long, and may be cut anywhere."""
    assert len(path) == len(b"public")
    variants = []
    for variant in given.variants:
        data = b"".join(variant.pieces)
        # Not in a body, which is to arrive as it was sent.
        moved = re.sub(rb"public(?=/t0)", path, data)
        ends = [sum(map(len, variant.pieces[: index + 1])) for index in range(len(variant.pieces))]
        pieces = tuple(moved[start:end] for start, end in zip([0, *ends], ends, strict=False))
        variants.append(replace(variant, pieces=pieces))
    return replace(given, variants=tuple(variants))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given", framing.CASES, ids=lambda case: case.name)
def test_messages_end_where_everybody_says_they_end(given: Case, way: bytes, arena: Arena) -> None:
    arena.run(arena.judge(at(way, given)))


def post(path: bytes, *lines: bytes, method: bytes = b"POST") -> bytes:
    return head(HOST, *lines, method=method, target=b"/" + path + b"/" + TOKEN)


def chunks(body: bytes, size: int = 7) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def whole_once(seen: list[Seen], answers: list[Answer]) -> None:
    (request,) = seen
    assert request.body == b"x" * 5000
    assert (len(request.values(b"content-length")), request.values(b"transfer-encoding")) == (1, [])


def test_chunks_become_one_body_with_one_length(arena: Arena) -> None:
    data = post(b"judged", CHUNKED) + chunks(b"x" * 5000, 997)
    variants = [plain("at once", data), *cut(plain("chunks", data), 13, 1000)]
    arena.run(arena.judge(case("A23", "chunks to a length", answered(200, upstream=1, look=whole_once), *variants)))


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_body_leaves_nothing_that_is_read_as_a_request(way: bytes, arena: Arena) -> None:
    body = b"evil-body" + SMUGGLED
    variants: list[Variant] = []
    for framed, data in (
        (b"Content-Length: %d" % len(body), body),
        (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    ):
        sent = post(way, framed) + data
        variants += [plain(f"{framed!r}", sent), *cut(plain(f"{framed!r}", sent), 64)]
    outcome = Outcome(statuses=(frozenset({422}),), upstream=None, closed=None, partly=True)
    arena.run(arena.judge(case("A25", "refused body", outcome, *variants)))


def test_an_early_refusal_leaves_an_unread_body_unread(arena: Arena) -> None:
    """The lock comes before the policy that reads, so nothing is read for strangers."""
    body = SMUGGLED * 3
    for lines, data in (((b"Content-Length: %d" % len(body),), body), ((CHUNKED,), chunks(body, 50))):
        sent = head(HOST, *lines, method=b"POST", target=b"/inside/" + TOKEN)
        outcome = Outcome(statuses=(frozenset({401}),), upstream=0, closed=None)
        variants = (plain("at once", sent + data), plain("later", sent, data), *cut(plain("cut", sent + data), 90))
        arena.run(arena.judge(case("A25", "unread body", outcome, *variants)))


def test_a_body_that_says_it_is_too_large_is_never_asked_for(arena: Arena) -> None:
    lines = (b"Content-Length: %d" % (MOST + 1), b"Expect: 100-continue")
    variants = surrounded("too large", post(b"judged", *lines), after=SMUGGLED)
    arena.run(arena.judge(case("A26", "too large and expecting", refused(413), *[v for v in variants if not v.before])))


def test_a_client_that_withholds_its_body_is_told_once_and_holds_nobody_up(arena: Arena) -> None:
    async def scenario() -> None:
        token = arena.token()
        client = await RawClient.connect(arena.ports["usual"])
        try:
            expecting = (b"Content-Length: 5", b"Expect: 100-continue")
            await client.send(post(b"judged", *expecting).replace(TOKEN, token))
            await arena.ask_ordinarily()
            assert arena.upstream.seen(token) == []
            await client.send(b"hello")
            answer = await client.answer()
            assert answer is not None
            assert (answer.interim, answer.status) == ((100,), 200)
            (seen,) = arena.upstream.seen(token)
            assert seen.body == b"hello"
        finally:
            await client.close()

    arena.run(scenario())


def test_what_is_kept_of_bodies_is_at_most_the_limit_for_each_connection(arena: Arena) -> None:
    """Twelve clients send all they may and never the end; more than the limit is refused, not kept."""
    count = 12

    async def scenario() -> int:
        clients = [await RawClient.connect(arena.ports["usual"]) for _ in range(count)]
        try:
            for client in clients:
                await client.send(post(b"judged", b"Content-Length: %d" % MOST).replace(TOKEN, arena.token()))
                await client.send(b"x" * (MOST - 1))
            await asyncio.sleep(0.2)
            await arena.ask_ordinarily()
            held = arena.memory_bytes()
            over = await RawClient.connect(arena.ports["usual"])
            await over.send(post(b"judged", CHUNKED).replace(TOKEN, arena.token()))
            await over.send(chunks(b"x" * (MOST + 10), 60_000)[:-5])
            answer = await over.answer()
            assert answer is not None
            assert answer.status == 413
            await over.close()
            return held
        finally:
            for client in clients:
                await client.close()

    before = arena.memory_bytes()
    assert arena.run(scenario()) - before < count * MOST + _ROOM_BYTES
    arena.check_health()


def test_a_body_of_the_smallest_pieces_takes_little_more_than_its_size(arena: Arena) -> None:
    async def scenario() -> int:
        client = await RawClient.connect(arena.ports["usual"])
        try:
            await client.send(post(b"judged", CHUNKED).replace(TOKEN, arena.token()))
            for _ in range(100):
                await client.send(b"1\r\nx\r\n" * 5000)
            await arena.ask_ordinarily()
            return arena.memory_bytes()
        finally:
            await client.close()

    before = arena.memory_bytes()
    assert arena.run(scenario()) - before < _ROOM_BYTES
