"""External authorization of the real gateway process, asked of real authorizers, from files as they are documented."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.gateway.authz_place import Place, place_with
from tests.integration.gateway.conftest import Answer
from tests.stack import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[Place]:
    with place_with(tmp_path_factory.mktemp("authz"), backend) as running:
        yield running


def seen(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer
    return json.loads(answer.body)["headers"]


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


# gRPC


def test_the_authorizer_is_told_of_the_request(place: Place) -> None:
    place.call("/grpc/a?b=c", {"x-case": "grant", "X-Own": "1", "authorization": "Bearer abc"})
    asked = place.grpc.asked[-1].attributes
    http = asked.request.http
    assert (http.method, http.path, http.host, http.size) == ("GET", "/grpc/a?b=c", f"127.0.0.1:{place.port}", 0)
    assert http.headers["x-own"] == "1"
    assert http.headers["authorization"] == "Bearer abc"
    assert http.headers["x-forwarded-for"] == "127.0.0.1"
    assert http.headers["x-request-id"] == http.id != ""
    assert asked.source.address.socket_address.address == "127.0.0.1"
    assert abs(asked.request.time.seconds - time.time()) < 60


def test_only_allowed_headers_are_shown(place: Place) -> None:
    assert place.call("/some", {"x-case": "grant", "x-shown": "1", "authorization": "secret"}).status == 200
    assert dict(place.grpc.asked[-1].attributes.request.http.headers) == {"x-case": "grant", "x-shown": "1"}


def test_a_granted_request_passes_with_the_changes_of_the_verdict(place: Place) -> None:
    given = {"x-user": "root", "x-secret": "s", "x-list": "a", "x-kept": "old", "x-kept2": "old"}
    answer = place.case("headers", given)
    found = seen(answer)
    expected = {"x-user": "ada", "x-team": "north", "x-list": "b", "x-absent": "new", "x-kept": "old", "x-kept2": "new"}
    assert {name: found.get(name) for name in expected} == expected
    assert not {"x-secret", "x-gone"} & {*found}
    assert answer.headers["x-decided"] == "yes"
    assert answer.headers["set-cookie"] == "a=1"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_a_header_that_is_set_to_nothing_takes_that_of_the_caller_away(place: Place) -> None:
    assert "x-user" not in seen(place.case("empty-user", {"x-user": "root"}))


def test_credentials_can_be_replaced(place: Place) -> None:
    assert seen(place.case("authorization", {"authorization": "Basic mine"}))["authorization"] == "Bearer backend"


def test_a_plain_no_is_a_usual_refusal(place: Place) -> None:
    answer = place.case("deny")
    assert code(answer) == (403, "ext_authz_denied")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_no_can_have_its_own_status_headers_and_body(place: Place) -> None:
    answer = place.case("deny-401")
    assert code(answer) == (401, "ext_authz_denied")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    answer = place.case("deny-302")
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["location"] == "https://login.example/?a=b"
    assert answer.headers["set-cookie"] == "state=1; HttpOnly"
    answer = place.case("deny-body")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (418, b"<b>teapot</b>", "text/html")
    answer = place.case("deny-large")
    assert (answer.status, len(answer.body)) == (403, 100_000)


@pytest.mark.parametrize(
    "case",
    ["crlf-value", "lf-name", "nul", "framing", "encoding", "host", "pseudo", "identity", "ours", "method",
     "remove-host", "deny-crlf", "deny-status", "nothing", "erring", "query", "too-large", "many", "abort"],
)  # fmt: skip
def test_what_is_no_verdict_lets_nobody_pass(place: Place, case: str) -> None:
    answer = place.case(case)
    assert code(answer) == (403, "ext_authz_unavailable")
    assert not {"x-admin", "x-evil", "set-cookie"} & {*answer.headers}


def test_a_no_with_the_status_of_a_yes_is_a_no(place: Place) -> None:
    assert code(place.case("torn")) == (401, "ext_authz_denied")


def test_the_older_version(place: Place) -> None:
    assert seen(place.call("/v2/a"))["x-version"] == "v2"
    assert code(place.call("/v2/denied")) == (403, "ext_authz_denied")


def test_a_slow_authorizer_costs_no_more_than_the_timeout(place: Place) -> None:
    began = time.monotonic()
    assert code(place.case("slow")) == (403, "ext_authz_unavailable")
    assert time.monotonic() - began < 1.45


@pytest.mark.parametrize(
    ("path", "status"), [("/away", 403), ("/away-503", 503), ("/not-grpc", 403), ("/http-away", 403)]
)
def test_without_an_authorizer_nobody_passes(place: Place, path: str, status: int) -> None:
    assert code(place.call(path)) == (status, "ext_authz_unavailable")
    assert {"refused"} <= {line["code"] for line in place.gateway.events("authorizer_failed")}


def test_one_connection_carries_all_questions_and_outlives_a_revision(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(lambda _: place.call("/default"), range(40))} == {200}
    before = set(place.grpc.peers)
    place.grpc.peers.clear()
    revision = place.gateway.revision()["revision"]
    path = place.folder / "default.yaml"
    path.write_text(path.read_text().replace("/default", "/default2", 1))
    place.gateway.wait_for_revision(revision + 1)
    assert place.call("/default2").status == 200
    assert place.case("grant").status == 200
    assert len(place.grpc.peers) == 1
    assert place.grpc.peers <= before


def test_an_authorizer_that_is_stopped_and_started_again(place: Place) -> None:
    assert place.case("grant").status == 200
    place.grpc.stop()
    assert code(place.case("grant")) == (403, "ext_authz_unavailable")
    place.grpc.start()
    wait_until(lambda: place.case("grant").status == 200, seconds=10, what="the authorizer to be back")
    assert place.gateway.events("authorizer_back")


def test_in_shadow_nothing_changes_and_the_verdict_is_counted(place: Place) -> None:
    assert "x-user" not in seen(place.call("/shadow/a", {"x-case": "empty-user"}))
    assert seen(place.call("/shadow/a", {"x-case": "headers", "x-secret": "s"}))["x-secret"] == "s"
    assert place.call("/shadow/a", {"x-case": "deny"}).status == 200

    def counted() -> bool:
        lines = place.gateway.page("/metrics").body.decode().splitlines()
        return any("shadow_rejections" in line and 'reason="ext_authz_denied"' in line for line in lines)

    wait_until(counted, seconds=5, what="the verdict in the metrics")


# HTTP


def test_an_http_authorizer_gets_method_path_host_and_what_is_allowed(place: Place) -> None:
    sent = {"host": "shop.example", "authorization": "Bearer abc", "x-own": "1", "user-agent": "me"}
    assert place.call("/http/grant?b=c", sent).status == 200
    method, path, headers = place.http.asked[-1]
    assert (method, path) == ("GET", "/check/http/grant?b=c")
    expected = {"host": "shop.example", "authorization": "Bearer abc", "x-forwarded-for": "127.0.0.1",
                "user-agent": "me", "x-gateway": "edge one"}  # fmt: skip
    assert headers == expected


def test_without_allowed_headers_an_http_authorizer_gets_none(place: Place) -> None:
    assert place.call("/http-bare/silent", {"authorization": "Bearer abc"}).status == 200
    assert {*place.http.asked[-1][2]} == {"host", "user-agent"}


def test_what_an_http_authorizer_says_of_a_request_that_passes(place: Place) -> None:
    answer = place.call("/http/grant", {"x-user": "root", "x-group": "a", "x-other": "0"})
    found = seen(answer)
    assert (found["x-user"], found["x-other"]) == ("ada", "0")
    assert answer.headers["x-decided"] == "yes"
    assert "x-user" not in answer.headers


def test_a_caller_cannot_say_what_the_authorizer_does_not(place: Place) -> None:
    assert "x-user" not in seen(place.call("/http/silent", {"x-user": "root"}))


@pytest.mark.parametrize(
    ("path", "status", "body", "headers"),
    [
        ("/http/deny", 403, b"not you", {"content-type": "text/plain", "x-why": "no"}),
        ("/http-bare/deny", 403, b"not you", {"content-type": "text/plain", "x-why": "no", "x-other": "1"}),
        ("/http/login", 302, b"", {"location": "https://login.example/"}),
        ("/http-bare/login", 302, b"", {"location": "https://login.example/", "set-cookie": "s=1", "x-other": "1"}),
        ("/http/odd", 204, b"", {}),
    ],
)
def test_what_a_refused_caller_gets(place: Place, path: str, status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = place.call(path)
    assert (answer.status, answer.body) == (status, body)
    ours = {"content-length", "x-request-id", "connection"}
    assert {name: value for name, value in answer.headers.items() if name not in ours} == headers


def test_a_challenge_without_a_body_is_a_usual_refusal(place: Place) -> None:
    answer = place.call("/http/challenge")
    assert code(answer) == (401, "ext_authz_denied")
    assert answer.headers["www-authenticate"] == 'Basic realm="theirs"'
    assert "x-other" not in answer.headers


@pytest.mark.parametrize("case", ["broken", "fold", "two-lengths"])
def test_an_http_authorizer_that_fails_lets_nobody_pass(place: Place, case: str) -> None:
    assert code(place.call(f"/http/{case}")) == (403, "ext_authz_unavailable")


def test_head_is_asked_about_as_head(place: Place) -> None:
    refused = place.call("/http/deny", method="HEAD")
    assert place.http.asked[-1][0] == "HEAD"
    assert (refused.status, refused.body) == (403, b"")


def test_connections_to_an_http_authorizer_are_kept(place: Place) -> None:
    place.http.peers.clear()
    for _ in range(10):
        assert place.call("/http/silent").status == 200
    assert len(place.http.peers) == 1
