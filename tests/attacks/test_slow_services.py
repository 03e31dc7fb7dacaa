"""A service that never ends its answer is given up, and whoever asks others does not notice: row F11."""

import asyncio

from tests.attacks.arena import CASE_SECONDS, Arena


def test_services_that_never_answer_are_given_up(arena: Arena) -> None:
    async def scenario() -> list[int]:
        async with asyncio.timeout(CASE_SECONDS):
            while not all(task.done() for task in arena.slow):
                await arena.ask_ordinarily()
                await asyncio.sleep(0.1)
        return [task.result() for task in arena.slow]

    statuses = arena.run(scenario())
    assert len(statuses) == 15
    assert set(statuses) <= {502, 504}
    arena.check_health()
