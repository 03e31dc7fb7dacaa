"""JWT validation with key sets: fetched when needed, rotated, out of reach, and full of rubbish."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway_runtime.fetching.client import Fetched, FetchError
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.url import Url
from gateway_runtime.policies.jwt_key_reading import usable_keys
from gateway_runtime.policies.jwt_keys import read_key_set
from gateway_runtime.policies.results import Response
from gateway_runtime.testing import FakeClock, PolicyCase, policy_case, request
from gateway_runtime.upstream.connecting import Surroundings

from .tokens import ec_jwk, ec_key, key_set, rsa_jwk, rsa_key, token

NAME = "jwt-validation"
FIRST, SECOND = "https://a.example/keys", "https://b.example/keys"
A, B = rsa_jwk(rsa_key("a"), kid="a", use="sig", alg="RS256"), rsa_jwk(rsa_key("b"), kid="b")


class Providers:
    """Fake identity providers by host: a key set, or what fetching it raises."""

    def __init__(self, **sets: bytes | Exception) -> None:
        self.sets: dict[str, bytes | Exception] = {"a": key_set(A), "b": key_set(B), **sets}
        self.asked: list[str] = []
        self.under_way = self.most_at_once = 0
        self.clock = FakeClock()
        self.remotes = Remotes(None, self.clock, self.fetch)

    async def fetch(self, url: Url, surroundings: Surroundings, **more: Any) -> Fetched:
        name = url.host.partition(".")[0]
        self.asked.append(name)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        found = self.sets[name]
        if isinstance(found, Exception):
            raise found
        return Fetched(200, {}, found)

    def case(self, *urls: str, **settings: Any) -> PolicyCase:
        config = {"jwtKeyOrigin": "jwks", "jwksUrl": ", ".join(urls or (FIRST,)), **settings}
        return policy_case(NAME, config, clock=self.clock, remotes=self.remotes)


def signed(name: str = "a", *, kid: str | None = "", **claims: Any) -> str:
    named = {} if kid is None else {"kid": kid or name}
    return token(claims, rsa_key(name), "RS256", **named)


async def send(case: PolicyCase, text: str) -> tuple[int, str]:
    result = case.chain.run_request(request(headers={"authorization": f"Bearer {text}"}))
    if result is not None and not isinstance(result, Response):
        result = await result
    return (200, "") if result is None else (result.status, result.code)


def waits(case: PolicyCase, text: str) -> bool:
    """Tell whether a request would wait for somebody."""
    result = case.handlers.request_headers and case.handlers.request_headers(
        request(headers={"authorization": f"Bearer {text}"})
    )
    if result is None or isinstance(result, Response):
        return False
    result.close()
    return True


def play(scenario: Callable[[Providers], Awaitable[None]], **sets: bytes | Exception) -> None:
    async def whole() -> None:
        await scenario(Providers(**sets))

    asyncio.run(whole())


GOOD, NO_KEYS = (200, ""), (503, "jwt_keys_unavailable")
UNKNOWN = (401, "jwt_key_unknown")


def test_keys_are_fetched_when_they_are_first_needed_and_then_nobody_waits() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        assert await asyncio.gather(*(send(case, signed()) for _ in range(20))) == [GOOD] * 20
        assert providers.asked == ["a"]
        assert not waits(case, signed(sub="other"))

    play(scenario)


def test_two_apis_and_two_revisions_share_the_keys() -> None:
    async def scenario(providers: Providers) -> None:
        cases = [providers.case(), providers.case(mandatoryExpClaim=True), providers.case()]
        assert [await send(case, signed(exp=9999)) for case in cases] == [GOOD] * 3
        assert providers.asked == ["a"]

    play(scenario)


def test_a_request_without_a_token_waits_for_nobody() -> None:
    async def scenario(providers: Providers) -> None:
        refused = providers.case().send(request())
        assert refused is not None
        assert refused.status == 400

    play(scenario)


def test_a_new_key_is_found_at_once_and_a_removed_one_is_gone_with_the_next_set() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        old, new = signed("a"), signed("b")
        assert await send(case, old) == GOOD
        providers.clock.advance(10)
        providers.sets["a"] = key_set(A, B)
        assert await send(case, new) == GOOD
        assert await send(case, old) == GOOD
        providers.sets["a"] = key_set(B)
        providers.clock.advance(3600)
        # Remembered tokens of a key that is gone are not accepted either.
        assert await send(case, old) == UNKNOWN
        assert await send(case, new) == GOOD

    play(scenario)


def test_a_new_key_is_accepted_from_all_who_bring_it_while_it_is_being_fetched() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        assert await send(case, signed("a")) == GOOD
        providers.clock.advance(10)
        providers.sets["a"] = key_set(A, B)
        found = await asyncio.gather(*(send(case, signed("b", jti=str(number))) for number in range(50)))
        assert set(found) == {GOOD}
        assert providers.asked == ["a", "a"]

    play(scenario)


def test_several_key_sets_are_fetched_side_by_side() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case(FIRST, SECOND)
        assert await send(case, signed("b")) == GOOD
        assert providers.most_at_once == 2

    play(scenario)


def test_an_unknown_key_is_looked_for_in_several_key_sets_side_by_side() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case(FIRST, SECOND)
        assert await send(case, signed("a")) == GOOD
        providers.clock.advance(10)
        providers.most_at_once = 0
        assert await send(case, signed("a", kid="thought-up")) == UNKNOWN
        assert providers.most_at_once == 2

    play(scenario)


def test_thought_up_key_names_do_not_make_the_gateway_ask_for_each() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        assert await send(case, signed()) == GOOD
        providers.clock.advance(10)
        found = await asyncio.gather(*(send(case, signed(kid=f"k{number}")) for number in range(50)))
        assert set(found) == {UNKNOWN}
        assert providers.asked == ["a", "a"]
        assert not waits(case, signed(kid="another"))

    play(scenario)


@pytest.mark.parametrize(
    "failure", [FetchError("timeout"), FetchError("too_large"), b"", b"<html>", b"[]", b'{"keys":[]}', b'{"keys":1}']
)
def test_without_any_key_set_it_is_503_and_later_well(failure: bytes | Exception) -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        assert [await send(case, signed()) for _ in range(5)] == [NO_KEYS] * 5
        assert providers.asked == ["a"]
        providers.sets["a"] = key_set(A)
        providers.clock.advance(1)
        assert await send(case, signed()) == GOOD

    play(scenario, a=failure)


@pytest.mark.parametrize("failure", [FetchError("refused"), b"{", key_set("x")])
def test_the_last_good_keys_are_used_while_the_provider_is_away(failure: bytes | Exception) -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case()
        assert await send(case, signed()) == GOOD
        providers.sets["a"] = failure
        providers.clock.advance(3600)
        assert await send(case, signed(sub="b")) == GOOD
        assert not waits(case, signed(sub="c"))
        providers.clock.advance(24 * 3600)
        assert await send(case, signed()) == NO_KEYS

    play(scenario)


def test_several_key_sets_count_together_and_one_may_be_away() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case(FIRST, SECOND)
        assert await send(case, signed("a")) == GOOD
        assert await send(case, signed("b")) == UNKNOWN
        assert not waits(case, signed("a", sub="x"))
        providers.sets["b"] = key_set(B)
        providers.clock.advance(10)
        assert await send(case, signed("b")) == GOOD

    play(scenario, b=FetchError("refused"))


def test_the_lifetime_of_a_key_set_is_in_minutes() -> None:
    async def scenario(providers: Providers) -> None:
        case = providers.case(jwksServiceTimeToLive=5)
        await send(case, signed())
        providers.clock.advance(239)
        assert not waits(case, signed(sub="x"))
        await asyncio.sleep(0)
        assert providers.asked == ["a"]
        providers.clock.advance(61)
        assert waits(case, signed(sub="y"))

    play(scenario)


@pytest.mark.parametrize(
    ("header_kid", "key_kid", "passes"),
    [("a", "a", True), ("a", "A", False), ("a", None, True), (None, "a", True), (None, None, True), ("a", "", False)],
)
def test_a_key_is_chosen_by_its_name_where_both_have_one(header_kid: Any, key_kid: Any, passes: bool) -> None:
    async def scenario(providers: Providers) -> None:
        named = {} if key_kid is None else {"kid": key_kid}
        providers.sets["a"] = key_set(rsa_jwk(rsa_key("a"), **named))
        assert (await send(providers.case(), signed(kid=header_kid)) == GOOD) is passes

    play(scenario)


def test_a_known_name_of_another_key_is_a_wrong_signature() -> None:
    async def scenario(providers: Providers) -> None:
        providers.sets["a"] = key_set(A, B)
        assert await send(providers.case(), signed("b", kid="a")) == (401, "jwt_signature")

    play(scenario)


def test_elliptic_keys_come_from_key_sets_too() -> None:
    async def scenario(providers: Providers) -> None:
        providers.sets["a"] = key_set(A, ec_jwk(ec_key(), kid="e"))
        case = providers.case(signingMethod="es")
        assert await send(case, token({}, ec_key(), "ES256", kid="e")) == GOOD
        assert await send(case, token({}, ec_key("256", "other"), "ES256", kid="e")) == (401, "jwt_signature")

    play(scenario)


GOOD_RSA = rsa_jwk(rsa_key())
PRIVATE = {**GOOD_RSA, "d": GOOD_RSA["n"]}


@pytest.mark.parametrize(
    ("key", "algorithm", "usable"),
    [
        (GOOD_RSA, "RS256", True),
        ({**GOOD_RSA, "use": "sig", "key_ops": ["verify"], "alg": "RS256", "x5c": ["x"], "more": {}}, "RS256", True),
        (PRIVATE, "RS256", True),
        ({**GOOD_RSA, "use": "enc"}, "RS256", False),
        ({**GOOD_RSA, "key_ops": ["encrypt"]}, "RS256", False),
        ({**GOOD_RSA, "key_ops": 7}, "RS256", False),
        ({**GOOD_RSA, "alg": "RS512"}, "RS256", False),
        ({**GOOD_RSA, "alg": "RSA-OAEP"}, "RS256", False),
        ({**GOOD_RSA, "kid": 7}, "RS256", False),
        ({**GOOD_RSA, "n": "!!"}, "RS256", False),
        ({**GOOD_RSA, "n": ""}, "RS256", False),
        ({**GOOD_RSA, "n": 7}, "RS256", False),
        ({**GOOD_RSA, "n": "A" * 400_000}, "RS256", False),
        ({**GOOD_RSA, "e": "AA"}, "RS256", False),
        ({**GOOD_RSA, "e": "AQ"}, "RS256", False),
        ({**GOOD_RSA, "e": "Ag"}, "RS256", False),
        ({**GOOD_RSA, "e": "A" * 400_000}, "RS256", False),
        ({"kty": "RSA"}, "RS256", False),
        ({"kty": "RSA", "n": GOOD_RSA["n"]}, "RS256", False),
        (rsa_jwk(rsa_key("small", 1024)), "RS256", False),
        ({"kty": "oct", "k": "eA"}, "HS256", False),
        ({"kty": "oct", "k": "eA"}, "RS256", False),
        ({}, "RS256", False),
        (GOOD_RSA, "ES256", False),
        (ec_jwk(ec_key()), "ES256", True),
        (ec_jwk(ec_key()), "ES384", False),
        (ec_jwk(ec_key("384"), "P-384"), "ES384", True),
        (ec_jwk(ec_key("384"), "P-256"), "ES256", False),
        ({**ec_jwk(ec_key()), "x": ec_jwk(ec_key())["y"]}, "ES256", False),
        ({**ec_jwk(ec_key()), "y": 7}, "ES256", False),
        (ec_jwk(ec_key()), "RS256", False),
    ],
)
def test_only_whole_keys_for_signing_are_used_and_the_others_do_no_harm(key: Any, algorithm: str, usable: bool) -> None:
    found = usable_keys(read_key_set(json.dumps({"keys": [key, "x", None, GOOD_RSA]}).encode()), algorithm)
    assert len(found) == usable + (algorithm == "RS256")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"null", b'{"keys":{}}', b'{"keys":["x"]}', b'{"keys":[],"keys":[{}]}', b"\xff",
        b"[" * 100_000, key_set(*[{}] * 101), b'{"keys":[{"kty":"RSA"}]', b'{"keys":[{"a":NaN}]}',
    ],
)  # fmt: skip
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_key_set(data)


def test_a_token_without_a_key_name_is_tried_with_a_few_keys_only() -> None:
    async def scenario(providers: Providers) -> None:
        many = [rsa_jwk(rsa_key("a"), kid=f"k{number}") for number in range(20)]
        providers.sets["a"] = key_set(*many, B)
        assert await send(providers.case(), signed("b", kid=None)) == (401, "jwt_signature")
        assert await send(providers.case(), signed("b")) == GOOD

    play(scenario)
