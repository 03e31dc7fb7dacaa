"""Whoever wants too much does not get it, and takes it from nobody: H1, H4, H10 and H13 of the catalogue, in small."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.attacks.arena import Arena
from tests.attacks.client import RawClient
from tests.attacks.scripts import LARGE_BYTES
from tests.attacks.variants import CHUNKED, GOOD, HOST, OPEN, SMUGGLED, case, head, plain, refused

# Far less than what is sent, and more than the buffers of a few connections.
ROOM_BYTES = 24 << 20
UPLOAD_BYTES = 64 << 20
_PIECE = b"x" * (1 << 18)


@asynccontextmanager
async def clients(arena: Arena, count: int) -> AsyncIterator[list[RawClient]]:
    """Return open connections."""
    opened = [await RawClient.connect(arena.ports["usual"]) for _ in range(count)]
    try:
        yield opened
    finally:
        for client in opened:
            await client.close()


@pytest.mark.parametrize(
    "beginning",
    [b"G", head(HOST)[:-2], head(HOST)[:-2] + b"X-A: ", head(HOST, b"Content-Length: 9", method=b"POST") + b"x",
     head(HOST, CHUNKED, method=b"POST") + b"9\r\nx",
     head(HOST, b"Content-Length: 9", b"Expect: 100-continue", method=b"PUT"), b""],
    ids=["line", "headers", "value", "body", "chunk", "expecting", "nothing"],
)  # fmt: skip
def test_slow_clients_hold_nobody_up(beginning: bytes, arena: Arena) -> None:
    async def scenario() -> None:
        async with clients(arena, 150) as slow:
            for piece in (beginning, *((b"E", b"T", b" ") if beginning == b"G" else (b"x", b"x", b"x"))):
                if piece:
                    await asyncio.gather(*(client.send(piece) for client in slow))
                await arena.ask_ordinarily()

    before = arena.memory_bytes()
    arena.run(scenario())
    assert arena.memory_bytes() - before < ROOM_BYTES
    arena.check_health()


def test_large_heads_are_refused_once(arena: Arena) -> None:
    log = len(arena.gateway.log)
    heads = {
        "cookies": head(HOST, b"Cookie: " + b"a=b; " * 50_000), "cookie lines": head(HOST, *[b"Cookie: a=b"] * 50_000),
        "names": head(HOST, *[b"X-%d: 1" % number for number in range(20_000)]),
        "one value": head(HOST, b"X-A: " + b"a" * 1_000_000),
        "one name": head(HOST, b"X" * 1_000_000 + b": 1"), "spaces": head(HOST, b"X-A:" + b" " * 1_000_000),
        "tabs": head(HOST, b"X-A: " + b"\t" * 500_000),
        "colons": head(HOST, b"X" + b":" * 500_000), "hosts": head(*[HOST] * 10_000),
        "connections": head(HOST, b"Connection: " + b"a," * 500_000),
        "no end": head(HOST)[:-2] + b"X-A: 1\r\n" * 100_000,
    }  # fmt: skip
    variants = [plain(label, data) for label, data in heads.items()]
    variants += [
        plain(f"{label} in pieces", *[data[at : at + 8192] for at in range(0, 131_072, 8192)])
        for label, data in heads.items()
    ]
    arena.run(arena.judge(case("H10", "large heads", refused(400, 431), *variants)))
    targets = [
        b"/public/" + b"a" * 100_000,
        b"/public/?" + b"a" * 100_000,
        b"/" + b"a/" * 50_000,
        b"/public/" + b"%41" * 30_000,
        b"/" + b"." * 9000,
    ]
    arena.run(
        arena.judge(
            case("H10", "long targets", refused(414), *[plain(f"{t[:9]!r}", head(HOST, target=t)) for t in targets])
        )
    )
    assert len(arena.gateway.log) == log


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_large_upload_passes_in_constant_memory(chunked: bool, arena: Arena) -> None:
    async def scenario() -> None:
        async with clients(arena, 1) as (client,):
            framing = CHUNKED if chunked else b"Content-Length: %d" % UPLOAD_BYTES
            await client.send(head(HOST, framing, method=b"POST", target=b"/public/" + arena.token()))
            for _ in range(UPLOAD_BYTES // len(_PIECE)):
                await client.send(b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE) if chunked else _PIECE)
            if chunked:
                await client.send(b"0\r\n\r\n")
            answer = await client.answer()
            assert answer is not None
            assert answer.status == 200

    before, received = arena.memory_bytes(), arena.upstream.body_bytes
    arena.run(scenario())
    assert arena.upstream.body_bytes - received == UPLOAD_BYTES
    assert arena.memory_bytes() - before < ROOM_BYTES


def test_a_service_that_does_not_read_stops_the_upload(arena: Arena) -> None:
    async def scenario() -> int:
        sent = 0
        async with clients(arena, 1) as (client,):
            await client.send(
                head(
                    HOST,
                    b"Content-Length: %d" % UPLOAD_BYTES,
                    method=b"POST",
                    target=b"/public/" + arena.token() + b"/stall",
                )
            )
            try:
                async with asyncio.timeout(1.5):
                    while sent < UPLOAD_BYTES:
                        await client.send(_PIECE)
                        sent += len(_PIECE)
            except TimeoutError:
                pass
            await arena.ask_ordinarily()
        return sent

    before = arena.memory_bytes()
    assert arena.run(scenario()) < UPLOAD_BYTES
    assert arena.memory_bytes() - before < ROOM_BYTES


def test_a_client_that_does_not_read_stops_the_service(arena: Arena) -> None:
    async def scenario() -> None:
        async with clients(arena, 1) as (client,):
            await client.send(head(HOST, target=b"/public/" + arena.token() + b"/do/large"))
            before = arena.memory_bytes()
            for _ in range(5):
                await asyncio.sleep(0.1)
                await arena.ask_ordinarily()
            assert arena.memory_bytes() - before < ROOM_BYTES
            answer = await client.answer()
            assert answer is not None
            assert (answer.whole, len(answer.body)) == (True, LARGE_BYTES)

    arena.run(scenario())


@pytest.mark.parametrize(
    "request_bytes",
    [head(HOST, target=b"/none"), GOOD, head(HOST, target=OPEN) + b"", b"x\r\n\r\n"],
    ids=["refused", "answered", "again", "bad"],
)
def test_whoever_sends_many_requests_and_reads_no_answer_is_not_read_further(
    request_bytes: bytes, arena: Arena
) -> None:
    async def scenario() -> None:
        async with clients(arena, 1) as (client,):
            try:
                async with asyncio.timeout(1):
                    for _ in range(300):
                        await client.send(request_bytes * 1000)
            except TimeoutError:
                pass
            await arena.ask_ordinarily()

    before = arena.memory_bytes()
    arena.run(scenario())
    assert arena.memory_bytes() - before < ROOM_BYTES
    arena.check_health()


def test_many_connections_that_come_and_go_leave_nothing(arena: Arena) -> None:
    """Opened and cut at every stage of a request."""

    async def scenario() -> None:
        for round_ in range(12):
            async with clients(arena, 60) as opened:
                data = (
                    head(HOST, b"Content-Length: 40", method=b"POST", target=b"/public/" + arena.token())
                    + b"x" * 40
                    + SMUGGLED
                )
                await asyncio.gather(
                    *(client.send(data[: (number * 7 + round_) % len(data)]) for number, client in enumerate(opened))
                )
            await arena.ask_ordinarily()

    arena.run(scenario())
    before = arena.memory_bytes()
    arena.run(scenario())
    assert arena.memory_bytes() - before < 8 << 20
    arena.check_health()


def test_values_that_never_come_again_are_not_remembered(arena: Arena) -> None:
    """Each is of a size that the limits allow, and another one each time."""

    def values(number: int) -> tuple[bytes, ...]:
        options = b",".join(b"x%d-%x" % (number, option) for option in range(5000))
        return (
            b"Connection: " + options, b"Host: " + b"a%d." % number + b"b" * 50_000,
            b"X-%d-" % number + b"c" * 50_000 + b": 1",
            b"Expect: %d" % number + b"d" * 50_000, b"X-Request-Id: %d" % number + b"e" * 50_000, b"Cookie: " + options,
        )  # fmt: skip

    async def scenario(numbers: range) -> None:
        for number in numbers:
            for value in values(number):
                async with clients(arena, 1) as (client,):
                    await client.send(
                        head(value) if value.startswith(b"Host") else head(HOST, value, b"Connection: close")
                    )
                    assert await client.answer() is not None

    arena.run(scenario(range(20)))
    before = arena.memory_bytes()
    arena.run(scenario(range(20, 140)))
    assert arena.memory_bytes() - before < ROOM_BYTES
