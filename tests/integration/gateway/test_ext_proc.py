"""External processing by the real gateway process, asked of a real processor in a process of its own."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.gateway.conftest import Answer
from tests.integration.gateway.processing_place import Place, place_with
from tests.stack import wait_until

pytestmark = pytest.mark.integration

ALL_PARTS = ["request_headers", "request_body", "response_headers", "response_body"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_with(tmp_path_factory.mktemp("processing")) as place:
        yield place


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    """Return the gateway with a processor that runs. After each test no call may be open."""
    if not running.processor.runs:
        running.processor.start()
    yield running
    if running.processor.runs:
        wait_until(running.processor.is_idle, seconds=3, what="the end of all calls")


def seen(answer: Answer, status: int = 200) -> dict[str, Any]:
    assert answer.status == status, answer
    return json.loads(answer.body)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["code"]


# What is shown


def test_the_processor_is_shown_each_part_in_its_turn(place: Place) -> None:
    answer = place.call("/closed/a?b=c", headers={"x-a": "1"}, body=b"four")
    assert seen(answer)["body"] == "four"
    wait_until(place.processor.is_idle, seconds=3, what="the end of the call")
    assert place.processor.parts() == ALL_PARTS
    shown = place.processor.shown("request_headers")
    assert (shown[":method"], shown[":path"]) == ("POST", "/closed/a?b=c")
    assert shown[":authority"] == f"127.0.0.1:{place.port}"
    assert (shown["x-a"], shown["x-forwarded-for"], shown["x-request-id"]) == (
        "1", "127.0.0.1", answer.headers["x-request-id"]
    )  # fmt: skip
    shown = place.processor.shown("response_headers")
    assert (shown[":status"], shown["content-type"]) == ("200", "application/json")
    bodies = [each["body"] for each in place.processor.events() if "body" in each]
    assert bodies == ["four", answer.body.decode()]
    # The gateway has said farewell, and the call has ended in good order.
    assert place.processor.events()[-1] == {
        "call": place.processor.events()[0]["call"], "event": "over", "heard_all": True
    }  # fmt: skip


def test_by_default_only_heads_are_shown(place: Place) -> None:
    assert seen(place.call("/heads", body=b"four"))["body"] == "four"
    assert place.processor.parts() == ["request_headers", "response_headers"]


def test_a_message_without_a_body_says_so(place: Place) -> None:
    assert place.call("/closed", method="HEAD").status == 200
    assert place.processor.parts() == ["request_headers", "response_headers"]
    assert all(each["end"] for each in place.processor.events() if each["event"] != "over")


@pytest.mark.parametrize(("path", "parts"), [
    ("/heads", ["request_headers", "request_body"]), ("/fixed", ["request_headers", "response_headers"]),
])  # fmt: skip
def test_the_processor_chooses_what_it_wants_to_see_where_it_may(place: Place, path: str, parts: list[str]) -> None:
    assert place.call(path, "choosing", body=b"four").status == 200
    assert place.processor.parts() == parts


def test_refusals_of_other_policies_and_failures_of_the_service_are_shown(place: Place) -> None:
    assert place.call("/locked").status == 401
    assert place.processor.shown("response_headers")[":status"] == "401"
    assert place.call("/dead").status == 502
    assert place.processor.shown("response_headers")[":status"] == "502"


# What becomes of it


def test_headers_and_status_are_changed(place: Place) -> None:
    given = {"x-user": "root", "x-secret": "s", "x-list": "a", "x-old": "1", "x-old2": "1"}
    answer = place.call("/heads", "headers", given)
    found = seen(answer, 201)["headers"]
    # Of a name that is there twice the service reads the last one.
    expected = {"x-user": "ada", "x-list": "b", "x-new": "1", "x-old": "1", "x-old2": "2"}
    assert {name: found.get(name) for name in expected} == expected
    assert not {"x-secret", "x-gone"} & {*found}
    assert "evil" not in found["host"]
    assert found["x-forwarded-for"] == "127.0.0.1"
    assert answer.headers["x-processed"] == "yes"
    assert "server" not in answer.headers


def test_bodies_are_changed_and_keep_their_right_length(place: Place) -> None:
    answer = place.call("/closed", "body", body=b"four")
    told = json.loads(answer.body.lower())
    assert (told["body"], told["headers"]["content-length"], told["headers"]["x-bytes"]) == ("four", "4", "4")
    assert b'"BODY": "FOUR"' in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert place.call("/closed", "emptied", body=b"four").body == b""
    large = b"x" * 900_000
    assert b"X" * 900_000 in place.call("/closed", "body", body=large).body


def test_a_message_can_be_replaced_whole(place: Place) -> None:
    answer = place.call("/closed", "replaced", body=b"four")
    assert (answer.status, answer.body) == (200, b"made of nothing")
    assert place.processor.parts() == ["request_headers", "response_headers"]


@pytest.mark.parametrize("ending", ["", "-answer", "-answer-body"])
def test_an_immediate_answer_goes_to_the_caller(place: Place, ending: str) -> None:
    refused = place.call("/closed", "deny" + ending)
    assert code(refused) == (403, "ext_proc_denied")
    assert refused.headers["content-type"] == "application/problem+json"
    teapot = place.call("/closed", "teapot" + ending)
    assert (teapot.status, teapot.body, teapot.headers["x-why"]) == (418, b"<b>teapot</b>", "tea")
    assert teapot.headers["content-type"] == "text/html"
    given = place.call("/closed", "answer" + ending)
    assert (given.status, given.body, given.headers["content-type"]) == (200, b"here", "text/plain")


# Failures


@pytest.mark.parametrize(
    "case",
    ["abort", "abort-answer", "abort-answer-body", "wait", "wait-answer", "wait-answer-body", "nothing", "crlf", "path",
     "large"],
)  # fmt: skip
def test_a_processor_that_fails_stops_the_message_or_lets_it_pass(place: Place, case: str) -> None:
    assert code(place.call("/closed", case, body=b"four")) == (500, "ext_proc_unavailable")
    answer = place.call("/open", case, body=b"four")
    assert seen(answer)["body"] == "four"
    assert not {"x-admin", "x-evil"} & {*answer.headers, *seen(answer)["headers"]}


@pytest.mark.parametrize("case", ["die", "die-answer", "die-answer-body"])
def test_a_processor_that_dies_stops_the_message_or_lets_it_pass(place: Place, case: str) -> None:
    assert code(place.call("/closed", case, body=b"four")) == (500, "ext_proc_unavailable")
    place.processor.wait()
    place.processor.start()
    assert seen(place.call("/open", case, body=b"four"))["body"] == "four"
    place.processor.wait()


def test_a_choice_that_is_not_possible_is_a_failure(place: Place) -> None:
    assert code(place.call("/heads", "trailers")) == (500, "ext_proc_unavailable")


def test_an_answer_too_many_is_a_failure_at_the_next_part(place: Place) -> None:
    assert code(place.call("/closed", "spurious", body=b"four")) == (500, "ext_proc_unavailable")


def test_a_processor_that_is_done_lets_the_rest_pass(place: Place) -> None:
    assert seen(place.call("/closed", "close", body=b"four"))["body"] == "four"
    assert place.processor.parts() == ["request_headers"]
    assert seen(place.call("/closed", "close-answer", body=b"four"))["body"] == "four"
    assert place.processor.parts() == ["request_headers", "request_body", "response_headers"]


def test_a_slow_processor_costs_no_more_than_the_timeout_unless_it_may_have_more(place: Place) -> None:
    began = time.monotonic()
    assert code(place.call("/heads", "patient")) == (500, "ext_proc_unavailable")
    assert time.monotonic() - began < 0.75
    assert place.call("/patient", "patient").status == 200


def test_without_a_processor_nobody_passes_unless_failures_are_allowed(place: Place) -> None:
    assert code(place.call("/away")) == (500, "ext_proc_unavailable")
    assert place.call("/away-open").status == 200
    assert "refused" in {line["code"] for line in place.gateway.events("processor_failed")}


def test_a_processor_that_is_stopped_and_started_again(place: Place) -> None:
    assert place.call("/heads").status == 200
    place.processor.stop()
    assert code(place.call("/heads")) == (500, "ext_proc_unavailable")
    place.processor.start()
    wait_until(lambda: place.call("/heads").status == 200, seconds=10, what="the processor to be back")
    assert place.gateway.events("processor_back")


# The end of a request


def leave(place: Place, path: str, case: str, part: str) -> None:
    """Send a request, and go as soon as the processor has been shown a part."""
    before = len(place.processor.told)
    with socket.create_connection(("127.0.0.1", place.port)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nx-case: {case}\r\n\r\n".encode())
        wait_until(
            lambda: part in [each["event"] for each in place.processor.told[before:]], seconds=5, what=f"the {part}"
        )


@pytest.mark.parametrize(
    ("path", "case", "part"),
    [
        ("/long", "wait", "request_headers"),
        ("/long", "wait-answer", "response_headers"),
        ("/long", "wait-answer-body", "response_body"),
        ("/long/wait", "plain", "request_headers"),
    ],
)
def test_a_client_that_goes_ends_the_call(place: Place, path: str, case: str, part: str) -> None:
    leave(place, path, case, part)
    wait_until(place.processor.is_idle, seconds=3, what="the end of the call")
    assert place.processor.parts()[-1] == part


def test_a_service_that_breaks_off_ends_the_call(place: Place) -> None:
    answer = place.call("/long/break")
    assert answer.status == 502


# Connections


def test_one_connection_carries_all_calls_and_outlives_a_revision(place: Place) -> None:
    begun = len(place.processor.told)
    with ThreadPoolExecutor(16) as pool:
        assert {each.status for each in pool.map(lambda _: place.call("/closed", body=b"four"), range(60))} == {200}
    revision = place.gateway.revision()["revision"]
    path = next(each for each in place.gateway.state.parent.joinpath("conf.d").iterdir() if each.stem == "fixed")
    path.write_text(path.read_text().replace("/fixed", "/fixed2", 1))
    place.gateway.wait_for_revision(revision + 1)
    assert place.call("/fixed2").status == 200
    peers = {each["peer"] for each in place.processor.told[begun:] if "peer" in each}
    assert len(peers) == 1


def test_in_shadow_nothing_changes_and_the_verdict_is_counted(place: Place) -> None:
    assert "x-user" not in seen(place.call("/shadow", "headers"))["headers"]
    assert place.call("/shadow", "deny").status == 200

    def counted() -> bool:
        lines = place.gateway.page("/metrics").body.decode().splitlines()
        return any("shadow_rejections" in line and 'reason="ext_proc_denied"' in line for line in lines)

    wait_until(counted, seconds=5, what="the verdict in the metrics")
    assert place.processor.parts() == ["request_headers"]


def test_the_gateway_has_found_no_fault_of_its_own(place: Place) -> None:
    for event in ("policy_failed", "task_failed"):
        assert not place.gateway.events(event)
