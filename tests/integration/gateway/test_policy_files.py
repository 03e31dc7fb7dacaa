"""Policies from declarative files, written as they are documented: what callers get and what the service sees."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway_runtime.policies.tokens import SECRET, key_set, pem_text, rsa_jwk, rsa_key, token
from tests.integration.gateway.policy_place import PASSWORD, UNTIL, Place, Reply, policy_place
from tests.stack import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[Place]:
    with policy_place(tmp_path_factory.mktemp("policies"), backend) as running:
        yield running


def test_headers_are_removed_in_both_directions_but_not_the_protected_ones(place: Place) -> None:
    sent = {"x-debug": "1", "x-trace-id": "2", "x-kept": "3", "content-type": "text/plain"}
    reply = place.call("/removal/a", sent)
    assert reply.status == 200
    assert reply.seen is not None
    assert "x-debug" not in reply.seen
    assert "x-trace-id" not in reply.seen
    assert reply.seen["x-kept"] == "3"
    assert reply.seen["content-type"] == "text/plain"
    assert reply.seen["host"].startswith("127.0.0.1:")
    assert "server" not in reply.headers
    assert reply.headers["content-type"] == "application/json"
    assert "x-request-id" in reply.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/allowed", 200, ""), ("/not-allowed", 403, "ip_not_allowed"), ("/blocked", 403, "ip_blocked")],
)
@pytest.mark.parametrize("claimed", [None, "192.168.3.1", "8.8.8.8"])
def test_the_address_of_the_connection_counts_whatever_a_caller_claims(
    place: Place, path: str, status: int, code: str, claimed: str | None
) -> None:
    reply = place.call(path, {"x-forwarded-for": claimed} if claimed else None)
    assert (reply.status, reply.code) == (status, code)
    assert (reply.seen is None) is (status == 403)


ORIGIN = "http://www.the-origin.example"


def cors_headers(reply: Reply) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value for name, value in reply.headers.items() if "access-control" in name
    }


def test_a_preflight_is_answered_before_authentication_and_without_a_route(place: Place) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    reply = place.call("/cors/a", asked, "OPTIONS")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "0")
    assert cors_headers(reply) == {
        "allow-origin": ORIGIN,
        "allow-credentials": "true",
        "allow-methods": "POST",
        "allow-headers": "x-allow-origin",
        "max-age": "60",
    }
    assert cors_headers(place.call("/cors/a", {**asked, "origin": "http://evil.example"}, "OPTIONS")) == {}
    assert cors_headers(place.call("/cors/a", method="OPTIONS")) == {}


def test_the_answer_to_a_page_carries_its_headers_also_when_it_is_refused(place: Place) -> None:
    refused = place.call("/cors/a", {"origin": ORIGIN})
    assert (refused.status, refused.code) == (401, "basic_credentials_missing")
    expected = {"allow-origin": ORIGIN, "allow-credentials": "true", "expose-headers": "x-forwarded-for"}
    assert cors_headers(refused) == expected
    ada = {"authorization": "Basic YWRhOnNlc2FtZQ=="}
    passed = place.call("/cors/a", {"origin": ORIGIN, **ada})
    assert (passed.status, cors_headers(passed), passed.headers["vary"]) == (200, expected, "Origin")
    assert cors_headers(place.call("/cors/a", {"origin": "http://evil.example", **ada})) == {}
    assert cors_headers(place.call("/cors/a", ada)) == {}


def test_a_public_resource_takes_every_page(place: Place) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT", "access-control-request-headers": "x-a"}
    assert cors_headers(place.call("/public", asked, "OPTIONS")) == {
        "allow-origin": "*",
        "allow-methods": "PUT",
        "allow-headers": "x-a",
        "max-age": "30",
    }
    assert cors_headers(place.call("/public", {"origin": ORIGIN})) == {"allow-origin": "*"}


def test_a_spike_is_refused_and_told_what_is_left(place: Place) -> None:
    replies = [place.call("/spike") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1", "0", "0"]
    assert {reply.headers["x-ratelimit-limit"] for reply in replies} == {"2"}
    resets = [int(reply.headers["x-ratelimit-reset"]) for reply in replies]
    assert resets[0] == 0
    assert 590_000 < resets[2] <= resets[1] <= 600_000
    assert 590 < int(replies[2].headers["retry-after"]) <= 600
    assert replies[2].code == "spike_control_exceeded"


def test_a_spike_waits_in_a_queue_that_has_an_end(place: Place) -> None:
    assert place.call("/queue").status == 200
    with ThreadPoolExecutor(3) as pool:
        began = time.monotonic()
        waiting = [pool.submit(lambda: (place.call("/queue").status, time.monotonic() - began)) for _ in range(3)]
        found = sorted(each.result() for each in waiting)
    assert [status for status, _ in found] == [200, 429, 429]
    assert found[0][1] >= 0.8
    assert found[1][1] < 0.7


GOOD = {"iss": "https://login.example", "aud": ["x", "aud.example"], "exp": UNTIL, "sub": "ada"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (400, "jwt_missing")),
        ("x.y", (401, "jwt_malformed")),
        (token(GOOD, rsa_key(), "RS256"), (200, "")),
        (token(GOOD, rsa_key(), "RS384"), (401, "jwt_algorithm")),
        (token(GOOD, rsa_key("evil"), "RS256"), (401, "jwt_signature")),
        (token(GOOD, pem_text(rsa_key()), "HS256"), (401, "jwt_algorithm")),
        (token({**GOOD, "exp": 1}, rsa_key(), "RS256"), (401, "jwt_expired")),
        (token({**GOOD, "nbf": UNTIL - 1}, rsa_key(), "RS256"), (401, "jwt_not_yet_valid")),
        (token({**GOOD, "aud": "AUD.example"}, rsa_key(), "RS256"), (401, "jwt_audience")),
        (token({**GOOD, "iss": "https://login.example/"}, rsa_key(), "RS256"), (401, "jwt_claim")),
        (token({k: v for k, v in GOOD.items() if k != "exp"}, rsa_key(), "RS256"), (401, "jwt_claim")),
        (token({k: v for k, v in GOOD.items() if k != "aud"}, rsa_key(), "RS256"), (401, "jwt_audience")),
    ],
)
def test_a_token_is_checked_by_every_setting(place: Place, text: str | None, expected: tuple[int, str]) -> None:
    for _ in range(2):
        reply = place.call("/jwt-text/a", {"jwt": text} if text else None)
        assert (reply.status, reply.code) == expected
        assert (reply.seen is None) is (expected[0] != 200)
        if reply.seen:
            assert reply.seen["jwt"] == text


def test_keys_of_a_provider_are_fetched_once_and_rotate(place: Place) -> None:
    old, new = token({}, rsa_key("a"), "RS256", kid="a"), token({}, rsa_key("b"), "RS256", kid="b")
    with ThreadPoolExecutor(8) as pool:
        found = [each.result() for each in [pool.submit(place.bearer, "/jwt-keys", old) for _ in range(8)]]
    assert found == [(200, "")] * 8
    assert place.provider.asked == 1
    assert place.bearer("/jwt-keys", new) == (401, "jwt_key_unknown")
    assert place.provider.asked == 1
    place.provider.keys = key_set(rsa_jwk(rsa_key("b"), kid="b"))
    wait_until(lambda: place.bearer("/jwt-keys", new) == (200, ""), seconds=15, what="the new key")
    assert place.provider.asked == 2
    assert place.bearer("/jwt-keys", old) == (401, "jwt_key_unknown")


def test_without_keys_nobody_passes_and_the_log_says_why(place: Place) -> None:
    text = token({}, rsa_key("a"), "RS256", kid="a")
    reply = place.call("/jwt-away", {"authorization": f"Bearer {text}"})
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "jwt_keys_unavailable", "5")
    (told, *_) = place.gateway.events("fetch_failed")
    assert (told["host"], told["code"]) == ("127.0.0.1:1", "refused")


def test_no_secret_and_no_token_is_in_the_log(place: Place) -> None:
    text = token({"sub": "ada"})
    assert place.bearer("/jwt-hmac", text) == (200, "")
    assert place.bearer("/jwt-hmac", text[:-2])[0] == 401
    assert SECRET not in place.gateway.log
    assert text.rpartition(".")[2] not in place.gateway.log
    assert "sesame" not in place.gateway.log
    assert PASSWORD not in place.gateway.log


def test_a_part_of_an_api_is_closed(place: Place) -> None:
    closed = place.call("/repair/closed/a")
    assert (closed.status, closed.body, closed.headers["content-type"]) == (503, b"back at noon", "text/plain")
    assert closed.headers["retry-after"] == "60"
    assert place.call("/repair/open").status == 200


def test_the_backend_gets_credentials_that_the_caller_does_not_know(place: Place) -> None:
    by_service = place.call("/public", {"authorization": "Bearer mine"}).seen
    assert by_service is not None
    assert by_service["authorization"] == "Basic cG9ydGFsOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ=="
    by_instance = place.call("/key", {"authorization": "Bearer mine", "x-api-key": "guess"}).seen
    assert by_instance is not None
    assert (by_instance["authorization"], by_instance["x-api-key"]) == ("Bearer mine", PASSWORD)
