"""How long a name is known, who is asked when, and what is used while nobody answers."""

import asyncio

import pytest

from gateway_runtime.upstream.errors import UpstreamError
from gateway_runtime.upstream.resolving import NoSuchName, Resolver
from tests.gateway_runtime.fakes import FakeClock

FAILURE = OSError("no name server answers")


class Names:
    """Name servers that answer what they are told to."""

    def __init__(self, *addresses: str, seconds: float = 60.0) -> None:
        self.addresses = [*addresses]
        self.seconds = seconds
        self.error: Exception | None = None
        self.asked = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, host: str) -> tuple[list[str], float]:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [*self.addresses], self.seconds


class Kit:
    def __init__(self, *addresses: str, seconds: float = 60.0) -> None:
        self.clock = FakeClock()
        self.names = Names(*addresses, seconds=seconds)
        self.resolver = Resolver(self.names, self.clock)

    async def resolve(self) -> list[str]:
        return await self.resolver.resolve("orders.example")

    async def fails(self) -> bool:
        try:
            await self.resolve()
        except UpstreamError as error:
            return error.response.code == "upstream_unresolved"
        return False


@pytest.mark.parametrize(("seconds", "known"), [(60, 60), (0, 1), (0.2, 1), (86_400, 300)])
def test_an_answer_is_known_for_as_long_as_it_says_within_bounds(seconds: float, known: float) -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1", seconds=seconds)
        await kit.resolve()
        kit.names.addresses = ["192.0.2.2"]
        kit.clock.advance(known - 0.01)
        assert await kit.resolve() == ["192.0.2.1"]
        kit.clock.advance(0.01)
        assert await kit.resolve() == ["192.0.2.2"]
        assert kit.names.asked == 2

    asyncio.run(scenario())


def test_who_comes_at_the_same_time_waits_for_one_answer() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1")
        kit.names.gate = asyncio.Event()
        waiting = [asyncio.create_task(kit.resolve()) for _ in range(20)]  # noqa: TID251
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        kit.names.gate.set()
        assert await asyncio.gather(*waiting[1:]) == [["192.0.2.1"]] * 19
        assert kit.names.asked == 1

    asyncio.run(scenario())


def test_addresses_take_turns() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1", "192.0.2.2", "192.0.2.3")
        assert [(await kit.resolve())[0] for _ in range(4)] == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"]
        assert sorted(await kit.resolve()) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]

    asyncio.run(scenario())


def test_the_family_that_comes_first_stays_first() -> None:
    async def scenario() -> None:
        kit = Kit("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2")
        for first, second in 2 * [("2001:db8::1", "2001:db8::2"), ("2001:db8::2", "2001:db8::1")]:
            assert await kit.resolve() == [first, second, "192.0.2.1", "192.0.2.2"]

    asyncio.run(scenario())


def test_that_there_is_no_such_name_is_known_for_a_moment() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1")
        kit.names.error = NoSuchName("orders.example")
        assert await kit.fails()
        kit.names.error = None
        kit.clock.advance(4.9)
        assert await kit.fails()
        assert kit.names.asked == 1
        kit.clock.advance(0.2)
        assert await kit.resolve() == ["192.0.2.1"]

    asyncio.run(scenario())


def test_the_last_answer_is_used_while_no_name_server_answers_but_not_for_ever() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1")
        await kit.resolve()
        kit.names.error = FAILURE
        kit.clock.advance(60)
        for _ in range(5):
            assert await kit.resolve() == ["192.0.2.1"]
        assert kit.names.asked == 2, "one attempt a second is enough"
        kit.clock.advance(599)
        assert await kit.resolve() == ["192.0.2.1"]
        kit.clock.advance(2)
        assert await kit.fails()
        kit.names.error = None
        kit.clock.advance(1)
        assert await kit.resolve() == ["192.0.2.1"]

    asyncio.run(scenario())


def test_a_name_that_has_gone_is_not_used_any_more() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1")
        await kit.resolve()
        kit.names.error = NoSuchName("orders.example")
        kit.clock.advance(60)
        assert await kit.fails()

    asyncio.run(scenario())


def test_an_unforeseen_failure_leaves_nobody_waiting() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1")
        kit.names.error = RuntimeError("a fault of the resolver")
        with pytest.raises(RuntimeError):
            await kit.resolve()
        kit.names.error = None
        assert await kit.resolve() == ["192.0.2.1"]

    asyncio.run(scenario())


def test_who_is_connected_hears_what_the_name_has_now() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1", "192.0.2.2", seconds=10)
        await kit.resolve()
        assert kit.resolver.addresses_now("orders.example") == {"192.0.2.1", "192.0.2.2"}
        kit.names.addresses = ["192.0.2.3"]
        kit.clock.advance(10)
        # Asked for in the background, once.
        for _ in range(3):
            assert not kit.resolver.addresses_now("orders.example")
        for _ in range(3):
            await asyncio.sleep(0)
        assert kit.resolver.addresses_now("orders.example") == {"192.0.2.3"}
        assert kit.names.asked == 2

    asyncio.run(scenario())


def test_a_short_time_to_live_is_no_reason_to_ask_all_the_time() -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1", seconds=1)
        await kit.resolve()
        for _ in range(20):
            kit.clock.advance(0.5)
            kit.resolver.addresses_now("orders.example")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert kit.names.asked == 3

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [FAILURE, NoSuchName("orders.example")])
def test_who_is_connected_is_not_sent_away_by_a_failure(error: Exception) -> None:
    async def scenario() -> None:
        kit = Kit("192.0.2.1", seconds=10)
        await kit.resolve()
        kit.names.error = error
        kit.clock.advance(10)
        for _ in range(4):
            assert kit.resolver.addresses_now("orders.example") in (set(), {"192.0.2.1"})
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        # And it is found out when the name is back.
        kit.names.error, kit.names.addresses = None, ["192.0.2.2"]
        kit.clock.advance(10)
        kit.resolver.addresses_now("orders.example")
        for _ in range(3):
            await asyncio.sleep(0)
        assert kit.resolver.addresses_now("orders.example") == {"192.0.2.2"}

    asyncio.run(scenario())
