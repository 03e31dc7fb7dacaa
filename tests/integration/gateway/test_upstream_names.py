"""Names of services against a real name server: how long an answer counts, and that none leads around the check."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway_runtime.upstream import resolving
from gateway_runtime.upstream.resolving import NameServers
from tests.integration.gateway.upstreams import LOOPS, answering, gateway, name_server, serving

pytestmark = pytest.mark.integration

NAME = "orders.example"


@pytest.fixture(params=[*LOOPS])
def run(request: pytest.FixtureRequest) -> Any:
    return LOOPS[request.param]


def fresh(made: Any, port: int, host: str = NAME) -> None:
    """Serve anew, without the connections of before."""
    made.state.pools.retain(())
    made.serve([port], host=host)


def test_an_answer_counts_for_its_time_to_live(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            names.seconds = 1
            for _ in range(3):
                fresh(made, port)
                assert await made.ask() == (200, "hi")
            assert names.asked == 1
            await asyncio.sleep(1.1)
            fresh(made, port)
            assert await made.ask() == (200, "hi")
            assert names.asked == 2

    run(scenario())


def test_one_question_for_many_requests(run: Any) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            made.serve([port], host=NAME)
            assert await asyncio.gather(*(made.ask() for _ in range(20))) == [(200, "hi")] * 20
            assert names.asked == 1

    run(scenario())


def test_a_name_that_moves_to_an_inner_address_is_refused_when_it_is_connected_to(run: Any) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("secret")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address]), allow_private=False) as made,
        ):
            names.seconds = 1
            for inner in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"):
                names.addresses = [inner]
                fresh(made, port)
                status, body = await made.ask()
                assert (status, "upstream_address_refused" in body) == (502, True)
                await asyncio.sleep(1.05)

    run(scenario())


def test_an_answer_out_of_the_memory_is_judged_as_well(run: Any) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            fresh(made, port)
            assert await made.ask() == (200, "hi")
            made.state.pools.allow_private = False
            status, body = await made.ask()
            assert (status, "upstream_address_refused" in body) == (502, True)
            assert names.asked == 1

    run(scenario())


def test_a_kept_connection_is_not_used_once_its_name_has_moved(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "LOOK_AGAIN_SECONDS", 1.0)

    async def scenario() -> None:
        async with (
            serving(answering("old")) as port,
            serving(answering("new"), host="127.0.0.2", port=port),
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            names.seconds = 1
            made.serve([port], host=NAME)
            assert await made.ask() == (200, "old")
            await asyncio.sleep(2.5)
            # The name has been asked for again meanwhile, and the connection is still good.
            assert names.asked > 1
            assert sum(target.open for target in made.pool.targets) == 1
            names.addresses = ["127.0.0.2"]
            await asyncio.sleep(2.5)
            assert await made.ask() == (200, "new")
            assert sum(target.open for target in made.pool.targets) == 1

    run(scenario())


def test_a_name_without_an_address(run: Any) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            names.addresses = []
            made.serve([port], host=NAME)
            for _ in range(3):
                status, body = await made.ask()
                assert (status, "upstream_unresolved" in body) == (502, True)
            # The search list of the machine may add a name or two.
            assert names.asked <= 3

    run(scenario())


def test_a_name_server_that_is_silent_leaves_the_last_answer(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(resolving, "_TRIES", 1)

    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            names.seconds = 1
            fresh(made, port)
            assert await made.ask() == (200, "hi")
            names.silent = True
            await asyncio.sleep(1.1)
            fresh(made, port)
            assert await made.ask() == (200, "hi")
            fresh(made, port, "stock.example")
            status, body = await made.ask()
            assert (status, "upstream_unresolved" in body) == (502, True)

    run(scenario())


def test_the_hosts_file_comes_before_name_servers(run: Any) -> None:
    async def scenario() -> None:
        async with (
            serving(answering("hi")) as port,
            name_server() as (names, address),
            gateway(lookup=NameServers([address])) as made,
        ):
            made.serve([port], host="localhost")
            assert await made.ask() == (200, "hi")
            assert names.asked == 0

    run(scenario())
