"""A token of the gateway's own on the way to the backend."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.policies.backend_token import read_token_answer
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

from .token_provider import Answer, FakeProvider, play, says

NAME = "credential-injection-oauth2"
CONFIG: dict[str, Any] = {
    "oauthService": "https://login.example/token", "clientId": "gate way", "clientSecret": "s:cret&",
}  # fmt: skip
AWAY = (503, "backend_token_unavailable")


def token(value: str = "one", **more: Any) -> Answer:
    return says({"access_token": value, "token_type": "Bearer", "expires_in": 100, **more})


def provider() -> FakeProvider:
    return FakeProvider(token())


async def sent(case: PolicyCase, headers: Any = None, status: int = 200) -> Any:
    """Return what the service gets as Authorization, or the refusal. The service answers with `status`."""
    context = request(headers=headers)
    refused = await case.ask(context)
    if refused is not None:
        return refused.status, refused.code
    case.answer(context, status=status)
    return [value for name, value in context.headers if name == b"authorization"]


def waits(case: PolicyCase) -> bool:
    assert case.handlers.request_headers is not None
    result = case.handlers.request_headers(request())
    if result is None or isinstance(result, Response):
        return False
    result.close()
    return True


@pytest.mark.parametrize(
    ("more", "form", "header"),
    [
        (
            {},
            {"grant_type": ["client_credentials"], "client_id": ["gate way"], "client_secret": ["s:cret&"]},
            None,
        ),
        (
            {"scope": ["a", "b"], "credentialLocation": "header"},
            {"grant_type": ["client_credentials"], "scope": ["a b"]},
            "Basic Z2F0ZSt3YXk6cyUzQWNyZXQlMjY=",
        ),
        (
            {"grantType": "password", "username": "ada", "password": "a+b", "credentialLocation": "header"},
            {"grant_type": ["password"], "username": ["ada"], "password": ["a+b"]},
            "Basic Z2F0ZSt3YXk6cyUzQWNyZXQlMjY=",
        ),
        (
            {"username": "ada", "password": "unused"},
            {"grant_type": ["client_credentials"], "client_id": ["gate way"], "client_secret": ["s:cret&"]},
            None,
        ),
    ],
)
def test_a_token_is_asked_for_as_the_grant_says(more: dict[str, Any], form: dict, header: str | None) -> None:
    async def scenario(of: FakeProvider) -> None:
        assert await sent(of.case(NAME, {**CONFIG, **more})) == [b"Bearer one"]
        ((target, body),) = of.asked
        assert target == "/token"
        assert parse_qs(body.decode(), strict_parsing=True) == form
        assert of.headers[0].get("authorization") == header
        assert of.headers[0]["content-type"] == "application/x-www-form-urlencoded"

    play(scenario, provider)


def test_one_token_is_fetched_for_all_and_then_nobody_waits() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        of.gate.clear()
        tasks = [asyncio.get_running_loop().create_task(sent(case)) for _ in range(30)]
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        await asyncio.sleep(0)
        of.gate.set()
        assert await asyncio.gather(*tasks[1:]) == [[b"Bearer one"]] * 29
        assert not waits(case)
        assert len(of.asked) == 1

    play(scenario, provider)


@pytest.mark.parametrize(
    ("headers", "overwrite", "expected"),
    [
        ({}, True, [b"Bearer one"]),
        ({"authorization": "Basic mine"}, True, [b"Bearer one"]),
        ([("authorization", "a"), ("authorization", "b")], True, [b"Bearer one"]),
        ({}, False, [b"Bearer one"]),
        ({"authorization": "Basic mine"}, False, [b"Basic mine"]),
    ],
)
def test_the_callers_header_goes_or_stays(headers: Any, overwrite: bool, expected: list[bytes]) -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, {**CONFIG, "overwrite": overwrite})
        for _ in range(2):
            assert await sent(case, headers) == expected
        assert len(of.asked) == (expected != [b"Basic mine"])

    play(scenario, provider)


def test_a_new_token_is_fetched_in_the_background_before_the_end() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        assert await sent(case) == [b"Bearer one"]
        of.otherwise = token("two")
        of.clock.advance(79)
        assert await sent(case) == [b"Bearer one"]
        assert len(of.asked) == 1
        of.clock.advance(1)
        assert await sent(case) == [b"Bearer one"]
        for _ in range(5):
            await asyncio.sleep(0)
        assert await sent(case) == [b"Bearer two"]
        assert len(of.asked) == 2

    play(scenario, provider)


@pytest.mark.parametrize(
    ("lives", "good_for"),
    [({"expires_in": 100}, 90), ({"expires_in": 10}, 5), ({"expires_in": "100"}, 90), ({"expires_in": None}, 0)],
)
def test_a_token_is_not_sent_shortly_before_its_end(lives: dict[str, Any], good_for: float) -> None:
    async def scenario(of: FakeProvider) -> None:
        of.otherwise = token(**lives)
        case = of.case(NAME, CONFIG)
        if not good_for:
            assert await sent(case) == AWAY
            return
        await sent(case)
        of.otherwise = FetchError("refused")
        of.clock.advance(good_for - 0.1)
        assert await sent(case) == [b"Bearer one"]
        of.clock.advance(0.1)
        assert await sent(case) == AWAY

    play(scenario, provider)


def test_a_token_that_the_service_refuses_is_fetched_anew_for_the_next_request() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        await sent(case)
        of.otherwise = token("two")
        of.clock.advance(5)
        assert await sent(case, status=401) == [b"Bearer one"]
        assert await sent(case) == [b"Bearer two"]
        # That the first one is refused once more says nothing of the second.
        late = request()
        late.notes = {"binding-1": b"Bearer one"}
        of.clock.advance(5)
        case.answer(late, status=401)
        assert not waits(case)

    play(scenario, provider)


def test_a_service_that_always_says_401_does_not_make_the_gateway_ask_for_each_request() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        for _ in range(50):
            await sent(case, status=401)
        assert len(of.asked) == 1
        of.clock.advance(5)
        for _ in range(50):
            await sent(case, status=401)
        assert len(of.asked) == 2

    play(scenario, provider)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_other_answers_say_nothing_of_the_token(status: int) -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        await sent(case)
        of.clock.advance(9)
        await sent(case, status=status)
        assert not waits(case)

    play(scenario, provider)


def test_a_401_to_the_callers_own_header_says_nothing_of_the_token() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, {**CONFIG, "overwrite": False})
        await sent(case)
        of.clock.advance(9)
        await sent(case, {"authorization": "Basic mine"}, status=401)
        assert not waits(case)

    play(scenario, provider)


def test_the_token_survives_a_republish_but_not_other_credentials() -> None:
    async def scenario(of: FakeProvider) -> None:
        first = of.case(NAME, CONFIG)
        await sent(first)
        again = of.case(NAME, {**CONFIG, "overwrite": False, "tokenFetchTimeout": 3}, kept=first.kept)
        assert not waits(again)
        for more in ({"clientSecret": "other"}, {"scope": ["a"]}, {"oauthService": "https://b.example/token"}):
            assert waits(of.case(NAME, {**CONFIG, **more}, kept=first.kept))

    play(scenario, provider)


BAD_ANSWERS: list[Answer] = [
    FetchError("timeout"),
    token("a b"),
    token("a\r\nx: y"),
    token(""),
    token(token_type="DPoP"),
    token(token_type=None),
    token(expires_in=0),
    token(expires_in=-1),
    token(expires_in=True),
    token(expires_in=[1]),
    says({"token_type": "Bearer"}),
    says([]),
    says(b""),
    says(b'{"access_token":"a","access_token":"b","token_type":"Bearer"}'),
    says({"access_token": "one", "token_type": "Bearer"}, 201),
    says({"error": "invalid_client"}, 401),
    says({}, 302),
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_without_a_token_it_is_503_unless_requests_may_go_on_without(answer: Answer) -> None:
    async def scenario(of: FakeProvider) -> None:
        of.otherwise = answer
        assert await sent(of.case(NAME, CONFIG), {"authorization": "Basic mine"}) == AWAY
        relaxed = of.case(NAME, {**CONFIG, "allowRequestWithoutCredential": True})
        # The caller's own credentials are not for this backend.
        assert await sent(relaxed, {"authorization": "Basic mine"}) == []

    play(scenario, provider)


def test_a_server_that_fails_is_asked_ever_more_seldom() -> None:
    async def scenario(of: FakeProvider) -> None:
        of.otherwise = FetchError("refused")
        case = of.case(NAME, CONFIG)
        asked = []
        for _ in range(130):
            assert await sent(case) == AWAY
            asked.append(len(of.asked))
            of.clock.advance(1)
        assert [second for second in range(130) if second == 0 or asked[second] != asked[second - 1]] == [
            0, 1, 3, 7, 15, 31, 63, 123,
        ]  # fmt: skip
        of.otherwise = token()
        of.clock.advance(60)
        assert await sent(case) == [b"Bearer one"]

    play(scenario, provider)


def test_a_failed_renewal_keeps_the_token_to_its_end() -> None:
    async def scenario(of: FakeProvider) -> None:
        case = of.case(NAME, CONFIG)
        await sent(case)
        of.otherwise = FetchError("refused")
        of.clock.advance(85)
        for _ in range(3):
            assert await sent(case) == [b"Bearer one"]
            await asyncio.sleep(0)
        of.clock.advance(5)
        assert await sent(case) == AWAY

    play(scenario, provider)


def test_a_token_lives_for_five_minutes_where_nobody_says_it_and_a_day_at_most() -> None:
    assert read_token_answer(b'{"access_token":"a","token_type":"bearer"}') == (b"Bearer a", 300.0)
    for seconds in (b"1e9", b"1e999", b"1" + b"0" * 400):
        answer = b'{"access_token":"a","token_type":"bearer","expires_in":' + seconds + b"}"
        assert read_token_answer(answer)[1] == 86_400.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"oauthService": "file:///etc"}, "is not a URL that can be fetched"),
        ({"oauthService": ""}, "oauthService"),
        ({"clientId": ""}, "clientId"),
        ({"clientSecret": ""}, "clientSecret"),
        ({"clientSecret": "a\nb"}, "cannot contain line breaks"),
        ({"grantType": "implicit"}, "Invalid enum value"),
        ({"grantType": "password"}, "Give username and password"),
        ({"grantType": "password", "username": "ada"}, "Give username and password"),
        ({"credentialLocation": "query"}, "Invalid enum value"),
        ({"scope": ["a b"]}, "Each scope is one word"),
        ({"scope": [""]}, "Each scope is one word"),
        ({"scope": ['"']}, "separated by spaces"),
        ({"scope": "a"}, "scope"),
        ({"tokenFetchTimeout": 0}, "tokenFetchTimeout"),
    ],
)
def test_unusable_settings_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {**CONFIG, **more})
    assert words in f"{caught.value.path} {caught.value.message}"


@pytest.mark.parametrize("missing", list(CONFIG))
def test_what_is_required_has_to_be_said(missing: str) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, {name: value for name, value in CONFIG.items() if name != missing})


def test_it_is_no_policy_for_the_shadow() -> None:
    definition = policy_case(NAME).definition
    assert not definition.can_shadow
    assert definition.secret_settings() == ("clientSecret", "password")
