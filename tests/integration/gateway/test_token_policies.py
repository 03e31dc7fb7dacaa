"""Policies that take or fetch tokens, from files as they are documented, with a real OpenID provider."""

import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest

from tests.attacks.variants import spellings
from tests.gateway_runtime.policies.tokens import rsa_key, token
from tests.integration.gateway.token_place import POLICIES, Place, token_place
from tests.integration.single_sign_on import signing_key
from tests.integration.token_provider import API, APP, GATEWAY
from tests.stack import wait_until

pytestmark = pytest.mark.integration

GOOD = (200, "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with token_place(tmp_path_factory.mktemp("tokens")) as running:
        yield running


# Introspection


def test_an_active_token_passes_and_the_service_learns_whose_it_is(place: Place) -> None:
    bearer = place.provider.sign_in()["access_token"]
    for _ in range(2):
        reply = place.call("introspected", bearer, {"X-AGW-sub": "admin", "X-Agw-Role": "admin"})
        assert reply.status == 200
        assert reply.seen is not None
        told = {name: value for name, value in reply.seen.items() if name.startswith("x-agw-")}
        assert told.keys() == {"x-agw-active", "x-agw-sub", "x-agw-client_id", "x-agw-iat", "x-agw-iss",
                               "x-agw-token_type"}  # fmt: skip
        assert (told["x-agw-sub"], told["x-agw-client_id"]) == ("ada", APP[0])


@pytest.mark.parametrize("name", list(POLICIES))
def test_no_caller_can_pose_as_the_gateway(place: Place, name: str) -> None:
    for spelling in spellings(b"X-AGW-Sub"):
        reply = place.call(name, place.provider.token(), {spelling.decode(): "admin"})
        assert "admin" not in (reply.seen or {}).values(), spelling


def test_a_token_needs_its_scopes(place: Place) -> None:
    writer = place.provider.token("orders:write")
    assert place.verdict("introspected", writer) == (403, "introspection_scope")
    assert place.verdict("introspected-long", writer) == GOOD
    assert place.verdict("asked", writer) == (403, "openid_scope")
    challenge = place.call("introspected", writer).headers["www-authenticate"]
    assert challenge == 'Bearer realm="portico", error="insufficient_scope", scope="orders:read"'


@pytest.mark.parametrize("name", ["introspected", "asked", "signed", "signed-for-all", "user"])
def test_what_is_no_access_token_of_the_provider_is_refused(place: Place, name: str) -> None:
    prefix = "introspection" if name == "introspected" else "openid"
    assert place.verdict(name, None) == (400, f"{prefix}_missing")
    good = place.provider.token()
    signed = place.provider.token(signed=True)
    claims = {"iss": place.provider.issuer, "aud": API, "exp": time.time() + 60, "scope": "orders:read"}
    for bearer in (
        "x", good + "x", good[:-1], good.swapcase(), f"{good},{good}", f'"{good}"', "..", signed[:-3], signed + ".",
        token(claims, rsa_key("evil"), "RS256", kid="first"), token(claims, "x" * 64, kid="first"),
        place.provider.sign_in()["id_token"],
    ):  # fmt: skip
        assert place.verdict(name, bearer) == (400, f"{prefix}_invalid"), bearer


@pytest.mark.parametrize("name", ["introspected", "signed", "user"])
def test_a_refresh_token_is_no_access_token(place: Place, name: str) -> None:
    refresh = place.provider.sign_in()["refresh_token"]
    assert place.verdict(name, refresh)[0] == 400


def test_a_revoked_token_passes_for_the_time_it_is_remembered_and_no_longer(place: Place) -> None:
    bearer = place.provider.token()
    assert place.verdict("introspected", bearer) == GOOD
    place.provider.revoke(bearer)
    assert place.verdict("introspected", bearer) == GOOD
    wait_until(
        lambda: place.verdict("introspected", bearer) == (400, "introspection_invalid"), seconds=5, what="the refusal"
    )


def test_a_gateway_that_may_not_ask_lets_nobody_pass(place: Place) -> None:
    assert place.verdict("stranger", place.provider.token()) == (401, "introspection_unavailable")
    (told, *_) = place.gateway.events("token_check_failed")
    assert told["code"] == "status_401"


# OpenID Connect


def test_a_signed_token_passes_where_it_is_meant_for_the_api(place: Place) -> None:
    bearer = place.provider.token(signed=True)
    reply = place.call("signed", bearer)
    assert reply.status == 200
    assert reply.seen is not None
    assert (reply.seen["x-agw-aud"], reply.seen["x-agw-client_id"]) == (API, APP[0])
    assert place.verdict("signed-for-all", bearer) == GOOD


def test_an_opaque_token_is_asked_about(place: Place) -> None:
    bearer = place.provider.sign_in()["access_token"]
    assert place.verdict("asked", bearer) == GOOD
    reply = place.call("user", bearer)
    assert reply.seen is not None
    assert (reply.seen["x-agw-sub"], reply.seen["x-agw-email"]) == ("ada", "ada@example.test")
    assert place.verdict("signed", bearer) == (400, "openid_invalid")


def test_a_policy_that_is_tried_out_refuses_nobody(place: Place) -> None:
    for bearer in (None, "x", place.provider.token(signed=True)):
        assert place.verdict("tried", bearer) == GOOD


def test_keys_rotate_under_traffic_without_a_wrong_answer(place: Place) -> None:
    provider, (first,) = place.provider, place.provider.keys
    old = provider.token(signed=True)
    assert place.verdict("signed", old) == GOOD
    found: list[tuple[int, str]] = []
    ended = threading.Event()

    def caller() -> None:
        while not ended.is_set():
            found.append(place.verdict("signed", old))

    callers = [threading.Thread(target=caller) for _ in range(4)]
    for each in callers:
        each.start()
    try:
        second = signing_key("RS256", "second")
        provider.stop()
        # Tokens that nobody has seen yet pass too, by the last good keys.
        time.sleep(0.3)
        provider.restart(second, first)
        new = [provider.token(signed=True) for _ in range(20)]
        # Within ten seconds after the last question for keys nobody asks again.
        wait_until(lambda: place.verdict("signed", new[0]) == GOOD, seconds=25, what="the new key")
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda bearer: place.verdict("signed", bearer), new)) == {GOOD}
    finally:
        ended.set()
        for each in callers:
            each.join()
    assert set(found) == {GOOD}
    assert len(found) > 100


def test_while_the_provider_is_away_known_tokens_pass_and_others_when_it_is_back(place: Place) -> None:
    provider = place.provider
    signed, opaque = provider.token(signed=True), provider.token()
    assert place.verdict("signed-for-all", signed) == GOOD
    assert place.verdict("introspected-long", opaque) == GOOD
    unseen = provider.token(signed=True)
    provider.stop()
    assert place.verdict("introspected-long", opaque) == GOOD
    assert place.verdict("introspected-long", "unknown") == (401, "introspection_unavailable")
    assert place.call("introspected-long", "unknown2").headers["retry-after"] == "5"
    assert place.verdict("asked", "unknown") == (401, "openid_unavailable")
    # Its keys are known, so that it need not be there.
    assert place.verdict("signed-for-all", unseen) == GOOD
    provider.restart()
    fresh = provider.token()
    wait_until(lambda: place.verdict("introspected-long", fresh) == GOOD, seconds=10, what="the provider")
    assert place.verdict("asked", provider.token()) == GOOD


# Credential injection


@pytest.fixture
def strict(place: Place) -> Iterator[None]:
    """Let the service ask the provider about each token, and the gateway have one that the provider knows."""
    place.service.strict = True
    for name in ("injected", "on-service", "kept"):
        wait_until(lambda name=name: place.call(name).status == 200, seconds=15, what="a token")
    yield
    place.service.strict = False


@pytest.mark.usefixtures("strict")
def test_the_service_gets_a_token_that_the_provider_knows(place: Place) -> None:
    for name in ("injected", "on-service"):
        reply = place.call(name, "mine")
        assert reply.seen is not None
        bearer = reply.seen["authorization"].removeprefix("Bearer ")
        assert bearer not in ("", "mine")
        assert place.call(name, "other").seen == reply.seen | {"x-request-id": place.service.last["x-request-id"]}


@pytest.mark.usefixtures("strict")
def test_the_callers_own_header_is_kept_where_that_is_wished(place: Place) -> None:
    mine = place.provider.token()
    kept = place.call("kept", mine).seen
    assert kept is not None
    assert kept["authorization"] == f"Bearer {mine}"
    # The service says 401 to it, and that is no reason for another token.
    before = place.call("kept").seen
    assert place.call("kept", "mine").status == 401
    after = place.call("kept").seen
    assert before is not None
    assert after is not None
    assert after["authorization"] == before["authorization"]


def test_without_a_token_requests_are_refused_or_go_on_without(place: Place) -> None:
    reply = place.call("refused", "mine")
    assert (reply.status, reply.code, reply.seen) == (503, "backend_token_unavailable", None)
    assert reply.headers["retry-after"] == "5"
    relaxed = place.call("relaxed", "mine")
    assert relaxed.status == 200
    assert relaxed.seen is not None
    assert "authorization" not in relaxed.seen


@pytest.mark.usefixtures("strict")
def test_a_token_that_the_service_refuses_is_replaced_for_the_next_requests(place: Place) -> None:
    assert place.call("injected").status == 200
    # The provider forgets its opaque tokens.
    place.provider.restart()
    assert place.call("injected").status == 401
    wait_until(lambda: place.call("injected").status == 200, seconds=15, what="another token")


def test_known_tokens_and_the_backends_token_survive_a_republish(place: Place) -> None:
    bearer = place.provider.token()
    assert place.verdict("introspected-long", bearer) == GOOD
    before = place.call("injected").seen
    place.provider.stop()
    try:
        for name in ("introspected-long", "injected"):
            file = place.folder / f"{name}.yaml"
            file.write_text(file.read_text().replace("routes: [{}]", "routes: [{rules: [{methods: GET}]}]"))
            wait_until(lambda name=name: place.call(name, method="POST").status == 404, seconds=15, what="the change")
        assert place.verdict("introspected-long", bearer) == GOOD
        after = place.call("injected").seen
        assert before is not None
        assert after is not None
        assert after["authorization"] == before["authorization"]
    finally:
        place.provider.restart()


def test_no_secret_and_no_token_is_in_the_log(place: Place) -> None:
    log = place.gateway.log
    for secret in (GATEWAY[1], quote_plus(GATEWAY[1]), b64encode(b"nobody").decode(), place.provider.token()):
        assert secret not in log
    assert "Bearer " not in log
    assert "Basic " not in log
