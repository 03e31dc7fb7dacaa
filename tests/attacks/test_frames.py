"""HTTP/2 hides nothing and takes nobody's turn: the classes A and H11 of the catalogue, in frames."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from tests.attacks.arena import SIDE_BY_SIDE, Arena
from tests.attacks.frames import ATTACKS, FLOODS, Attack, FrameClient, request
from tests.attacks.variants import TOKEN

ROOM_BYTES = 24 << 20
REFUSED = {400, 405, 414, 501}


def named(attack: Attack, token: bytes) -> list[tuple[bytes, bytes]]:
    return [(name.replace(TOKEN, token), value.replace(TOKEN, token)) for name, value in attack.fields]


async def fight(arena: Arena, attack: Attack, shape: int) -> str:
    """Send an attack after and before a good request on one connection. Return what is wrong."""
    bad, before, after = arena.token(), arena.token(), arena.token()
    client = await FrameClient.connect(arena.ports["usual"])
    try:
        client.writer.write(client.head(1, request(path=b"/public/" + before), ended=True))
        client.writer.write(client.head(3, named(attack, bad), ended=attack.body is None, shape=shape))
        if attack.body is not None:
            size = len(attack.body)
            client.writer.write(size.to_bytes(3, "big") + b"\0\1\0\0\0\3" + attack.body)
        client.writer.write(client.head(5, request(path=b"/public/" + after), ended=True))
        heard = await client.listen(1, 3, 5)
    except TimeoutError:
        return f"- {attack.label}: no answer"
    finally:
        client.close()
    if heard.closed or (heard.statuses.get(1), heard.statuses.get(5)) != (200, 200):
        return f"- {attack.label}: the streams beside it: {heard}"
    if heard.statuses.get(3) not in REFUSED:
        return f"- {attack.label}: answered with {heard.statuses.get(3)}"
    if arena.upstream.seen(bad) or (arena.upstream.partly_seen(bad) and not attack.partly):
        return f"- {attack.label}: the service saw {arena.upstream.seen(bad)}"
    if len(arena.upstream.seen(before)) != 1 or len(arena.upstream.seen(after)) != 1:
        return f"- {attack.label}: the service saw others twice"
    return ""


async def fight_all(arena: Arena, attacks: Iterable[Attack], shape: int) -> list[str]:
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(attack: Attack) -> str:
        async with gate:
            return await fight(arena, attack, shape)

    return [fault for fault in await asyncio.gather(*map(one, attacks)) if fault]


@pytest.mark.parametrize("shape", range(4), ids=["whole", "halves", "pieces", "padded"])
def test_a_header_list_that_is_no_request_reaches_nobody(shape: int, arena: Arena) -> None:
    faults = arena.run(fight_all(arena, ATTACKS, shape))
    assert not faults, f"{len(faults)} of {len(ATTACKS)}:\n" + "\n".join(faults[:15])
    arena.check_health()


def test_the_class_has_hundreds_of_variants() -> None:
    assert len(ATTACKS) * 4 >= 1000


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_ends_its_connection_and_holds_nobody_up(flood: str, arena: Arena) -> None:
    async def scenario() -> None:
        clients = [await FrameClient.connect(arena.ports["usual"]) for _ in range(8)]
        sending = asyncio.gather(*(send(client) for client in clients))
        slowest = 0.0
        for _ in range(10):
            began = time.monotonic()
            await arena.ask_ordinarily()
            slowest = max(slowest, time.monotonic() - began)
        await sending
        assert slowest < 2.0
        for client in clients:
            client.close()

    async def send(client: FrameClient) -> None:
        client.writer.write(FLOODS[flood])
        heard = await client.listen()
        assert heard.closed
        assert heard.goodbye not in (None, 0) or flood == "longest unknown", heard

    before = arena.memory_bytes()
    arena.run(scenario())
    assert arena.memory_bytes() - before < ROOM_BYTES
    arena.check_health()


def test_windows_that_never_open_hold_nothing_but_their_own_streams(arena: Arena) -> None:
    async def scenario() -> None:
        clients = [await FrameClient.connect(arena.ports["usual"]) for _ in range(20)]
        for client in clients:
            # A window of no bytes, then requests for answers that would be large.
            client.writer.write(b"\0\0\6\4\0\0\0\0\0\0\4\0\0\0\0")
            for number in range(1, 41, 2):
                client.writer.write(client.head(number, request(path=b"/public/do/large"), ended=True))
        await asyncio.sleep(1.0)
        await arena.ask_ordinarily()
        assert arena.memory_bytes() - before < 2 * 20 * 20 * (256 << 10)
        for client in clients:
            client.close()
        await asyncio.sleep(0.2)
        await arena.ask_ordinarily()

    before = arena.memory_bytes()
    arena.run(scenario())
    arena.check_health()
