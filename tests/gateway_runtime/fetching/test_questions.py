"""Questions that many ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway_runtime.fetching import questions
from gateway_runtime.fetching.questions import Questions, TooManyQuestions, together


class Oracle:
    """Answers when its gate is open, with what it was asked about or with a failure."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.questions: Questions[str] = Questions("oracle")

    def answer(self, about: str) -> Awaitable[str]:
        async def ask() -> str:
            self.asked.append(about)
            await self.gate.wait()
            if self.failure is not None:
                raise self.failure
            return about.upper()

        return self.questions.answer(about, ask)


def play(scenario: Callable[[Oracle], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scenario(Oracle())

    asyncio.run(whole())


def asking(oracle: Oracle, *abouts: str) -> list["asyncio.Task[str]"]:
    loop = asyncio.get_running_loop()

    async def one(about: str) -> str:
        return await oracle.answer(about)

    return [loop.create_task(one(about)) for about in abouts]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_question_is_asked_once_for_all_and_nobody_can_end_it() -> None:
    async def scenario(oracle: Oracle) -> None:
        tasks = asking(oracle, *"aaaab")
        await settle()
        tasks[0].cancel()
        await settle()
        oracle.gate.set()
        assert await asyncio.gather(*tasks[1:]) == ["A", "A", "A", "B"]
        assert oracle.asked == ["a", "b"]
        assert await oracle.answer("a") == "A"
        assert oracle.asked == ["a", "b", "a"]

    play(scenario)


def test_all_who_wait_learn_of_a_failure_and_the_next_one_asks_again() -> None:
    async def scenario(oracle: Oracle) -> None:
        oracle.failure = ValueError("no")
        tasks = asking(oracle, *"aaa")
        oracle.gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(each) for each in found] == ["no"] * 3
        oracle.failure = None
        assert await oracle.answer("a") == "A"

    play(scenario)


def test_not_too_many_are_asked_at_once_and_not_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "AT_ONCE", 2)
    monkeypatch.setattr(questions, "WAITING", 4)

    async def scenario(oracle: Oracle) -> None:
        tasks = asking(oracle, *"abcdef")
        await settle()
        assert oracle.asked == ["a", "b"]
        oracle.gate.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert found[:4] == ["A", "B", "C", "D"]
        assert [type(each) for each in found[4:]] == [TooManyQuestions] * 2
        assert await oracle.answer("f") == "F"

    play(scenario)


def test_several_are_waited_for_side_by_side() -> None:
    async def scenario(oracle: Oracle) -> None:
        waiting = asyncio.get_running_loop().create_task(together([oracle.answer("a"), oracle.answer("b")]))
        await settle()
        assert oracle.asked == ["a", "b"]
        oracle.gate.set()
        assert await waiting == ["A", "B"]

    play(scenario)
