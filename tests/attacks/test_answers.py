"""Answers end where they end, whoever sends them: class A from 25, and F11 of the catalogue."""

import asyncio

import pytest

from tests.attacks import answers
from tests.attacks.arena import Arena
from tests.attacks.client import RawClient
from tests.attacks.variants import HOST, Case, head


@pytest.mark.parametrize("case", answers.CASES, ids=lambda case: case.name)
def test_no_answer_changes_hands(case: Case, arena: Arena) -> None:
    arena.run(arena.judge(case))


def test_the_class_has_hundreds_of_variants() -> None:
    assert sum(len(case.variants) for case in answers.CASES) >= 400


def test_bytes_on_an_idle_connection_are_nobodys_answer(arena: Arena) -> None:
    async def scenario() -> None:
        for _ in range(10):
            client = await RawClient.connect(arena.ports["usual"])
            await client.send(head(HOST, target=b"/public/" + arena.token() + b"/do/later-stray"))
            answer = await client.answer()
            assert answer is not None
            # On a busy machine both may come at once, and then neither is to be believed.
            assert answer.body == b"hi" or answer.status == 502
            await asyncio.sleep(0.05)
            await arena.ask_ordinarily()
            await client.close()

    arena.run(scenario())
