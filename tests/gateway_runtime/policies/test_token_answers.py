"""What somebody else says of tokens: remembered, shared, and not asked for too often. Shown with introspection."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.fetching import questions
from gateway_runtime.fetching.client import FetchError
from gateway_runtime.policies import token_answers

from .token_provider import FakeProvider, play, says, verdict, waits

NAME = "oauth2-token-introspection"
URL = "https://login.example/introspect"
CONFIG: dict[str, Any] = {
    "introspectionURL": URL, "authorizationValue": "Basic YTpi", "skipClientIdValidation": True,
}  # fmt: skip
GOOD = (200, "")
INVALID, AWAY = (400, "introspection_invalid"), (401, "introspection_unavailable")
NO_SCOPE = (403, "introspection_scope")
NOW = 1000  # what the clock says at first


def test_a_known_token_waits_for_nobody_until_its_time_is_over() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, "validatedTokenTTL": 60})
        assert await verdict(case) == GOOD
        assert not waits(case)
        provider.clock.advance(59.9)
        assert not waits(case)
        provider.otherwise = says({"active": False})
        provider.clock.advance(0.1)
        assert await verdict(case) == INVALID
        assert len(provider.asked) == 2

    play(scenario)


def test_a_token_is_never_known_beyond_its_own_end() -> None:
    async def scenario(provider: FakeProvider) -> None:
        provider.otherwise = says({"active": True, "exp": NOW + 30})
        case = provider.case(NAME, CONFIG)
        assert await verdict(case) == GOOD
        provider.clock.advance(30)
        # The server has fallen behind: it still says yes.
        assert await verdict(case) == INVALID
        assert len(provider.asked) == 2

    play(scenario)


@pytest.mark.parametrize("more", [{"validatedTokenTTL": 0}, {"maxCacheEntries": 0}])
def test_nothing_is_remembered_where_that_is_wished(more: dict[str, int]) -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, **more})
        assert [await verdict(case) for _ in range(3)] == [GOOD] * 3
        assert len(provider.asked) == 3

    play(scenario)


def test_a_refusal_is_repeated_for_a_moment_only() -> None:
    async def scenario(provider: FakeProvider) -> None:
        provider.otherwise = says({"active": False})
        case = provider.case(NAME, CONFIG)
        assert [await verdict(case) for _ in range(5)] == [INVALID] * 5
        assert len(provider.asked) == 1
        provider.clock.advance(token_answers.REFUSED_SECONDS)
        provider.otherwise = says({"active": True})
        assert await verdict(case) == GOOD

    play(scenario)


def test_all_who_bring_the_same_token_share_one_question_and_none_can_end_it() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, CONFIG)
        provider.gate.clear()
        tasks = [asyncio.get_running_loop().create_task(verdict(case)) for _ in range(50)]
        other = asyncio.get_running_loop().create_task(verdict(case, "other"))
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        await asyncio.sleep(0)
        provider.gate.set()
        assert await asyncio.gather(*tasks[1:], other) == [GOOD] * 50
        assert len(provider.asked) == 2

    play(scenario)


def test_thought_up_tokens_do_not_push_out_good_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_answers, "REFUSED_LIMIT", 10)

    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, "maxCacheEntries": 3})
        assert await verdict(case) == GOOD
        provider.otherwise = says({"active": False})
        for number in range(40):
            assert await verdict(case, f"bad{number}") == INVALID
        assert not waits(case)
        asked = len(provider.asked)
        assert await verdict(case, "bad0") == INVALID
        assert len(provider.asked) == asked + 1

    play(scenario)


def test_the_oldest_known_tokens_go_first() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, {**CONFIG, "maxCacheEntries": 3})
        for token in "abcd":
            assert await verdict(case, token) == GOOD
        assert [waits(case, token) for token in "abcd"] == [True, False, False, False]

    play(scenario)


def test_known_tokens_survive_a_republish() -> None:
    async def scenario(provider: FakeProvider) -> None:
        first = provider.case(NAME, CONFIG)
        assert await verdict(first) == GOOD
        again = provider.case(NAME, {**CONFIG, "scopes": "orders"}, kept=first.kept)
        assert not waits(again)
        # What the new revision asks for holds for known tokens, too.
        assert await verdict(again) == NO_SCOPE

    play(scenario)


@pytest.mark.parametrize(
    "more",
    [
        {"introspectionURL": URL + "2"},
        {"authorizationValue": "Bearer x"},
        {"consumerBy": "username"},
        {"validatedTokenTTL": 5},
        {"requireTokenType": True},
        {"maxCacheEntries": 0},
    ],
)
def test_a_token_known_by_other_settings_is_asked_about_again(more: dict[str, Any]) -> None:
    async def scenario(provider: FakeProvider) -> None:
        first = provider.case(NAME, CONFIG)
        assert await verdict(first) == GOOD
        assert waits(provider.case(NAME, {**CONFIG, **more}, kept=first.kept))

    play(scenario)


def test_while_the_server_is_away_only_known_tokens_pass_and_it_is_asked_ever_more_seldom() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, CONFIG)
        assert await verdict(case) == GOOD
        provider.otherwise = FetchError("refused")
        for number in range(10):
            assert await verdict(case, f"new{number}") == AWAY
        assert len(provider.asked) == 1 + token_answers.FAILURES
        assert await verdict(case) == GOOD
        provider.clock.advance(token_answers.PAUSE_SECONDS)
        provider.otherwise = says({"active": True})
        assert await verdict(case, "new1") == GOOD
        assert await verdict(case, "new2") == GOOD

    play(scenario)


def test_a_failure_of_one_question_refuses_nobody_else() -> None:
    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, CONFIG)
        provider.otherwise = FetchError("timeout")
        assert await verdict(case, "a") == AWAY
        provider.otherwise = says({"active": True})
        assert await verdict(case, "b") == GOOD
        assert await verdict(case, "a") == GOOD

    play(scenario)


def test_a_flood_of_new_tokens_does_not_reach_the_server_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "AT_ONCE", 5)
    monkeypatch.setattr(questions, "WAITING", 20)

    async def scenario(provider: FakeProvider) -> None:
        case = provider.case(NAME, CONFIG)
        provider.gate.clear()
        tasks = [asyncio.get_running_loop().create_task(verdict(case, f"t{number}")) for number in range(30)]
        await asyncio.sleep(0.01)
        assert len(provider.asked) == 5
        provider.gate.set()
        found = await asyncio.gather(*tasks)
        assert (found.count(GOOD), found.count(AWAY)) == (20, 10)

    play(scenario)
