"""External processing: the settings, what is shown when, and what becomes of what the processor says."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as v3

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.policies.ext_proc_messages import METHOD, Parts
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.policies.results import NEEDS_BODY, Refused, Response
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

PROCESSOR = {"uri": "h2://127.0.0.1:9292"}
HEADS = Parts(True, False, True, False)

# The settings


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"uri": "127.0.0.1:9292"}, "A URI is h2://, http:// or https://"),
        ({"uri": "h2://host:9292/path"}, "The URI of a gRPC server has no path"),
        ({**PROCESSOR, "requestBodyMode": "streamed"}, "Invalid enum value 'streamed'. Possible: none, buffered."),
        ({**PROCESSOR, "responseBodyMode": "bufferedPartial"}, "Invalid enum value 'bufferedPartial'. Possible: none,"),
        ({**PROCESSOR, "requestTrailerMode": "send"}, "Invalid enum value 'send'. Possible: skip."),
        ({**PROCESSOR, "requestHeaderMode": "skip", "responseHeaderMode": "skip"}, "Nothing is shown to the processor"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition("native-ext-proc-flex"), settings)
    assert caught.value.message.startswith(sentence)


def test_the_documented_defaults() -> None:
    config: Any = read_config(definition("native-ext-proc"), PROCESSOR)
    assert config.parts() == HEADS
    assert (config.message_timeout, config.max_message_timeout) == (1000, 0)
    assert (config.failure_mode_allow, config.allow_mode_override) == (False, True)


# What becomes of it

Answer = Callable[[v3.ProcessingRequest], v3.ProcessingResponse | Exception | None]


class FakeProcessor:
    """Answers as it is told to: with a message, None to end the call, or an error."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[v3.ProcessingRequest] = []
        self.story: list[str] = []
        # How much time it had for each answer to the last question.
        self.given: list[float | None] = []

    def get(self, service: Any) -> "FakeProcessor":
        return self

    def talk(self, method: bytes, *, limit: int) -> "FakeProcessor":
        assert method == METHOD
        return self

    async def say(self, message: bytes, *, seconds: float) -> bytes | None:
        self.given = [seconds]
        self.asked.append(v3.ProcessingRequest.FromString(message))
        found = self.answer(self.asked[-1])
        if isinstance(found, Exception):
            raise found
        return None if found is None else found.SerializeToString()

    async def hear(self, *, seconds: float | None = None) -> bytes | None:
        self.given.append(seconds)
        found = self.answer(self.asked[-1])
        return None if found is None or isinstance(found, Exception) else found.SerializeToString()

    def end(self) -> None:
        self.story.append("ended")

    def break_off(self) -> None:
        self.story.append("broken off")

    @property
    def parts(self) -> list[str | None]:
        return [each.WhichOneof("request") for each in self.asked]


def plainly(asked: v3.ProcessingRequest, **more: Any) -> v3.ProcessingResponse:
    """Return the answer that changes nothing, of the kind that is asked for."""
    return v3.ProcessingResponse(**{str(asked.WhichOneof("request")): {}}, **more)


def place(answer: Answer = plainly, **settings: Any) -> tuple[PolicyCase, FakeProcessor]:
    processor = FakeProcessor(answer)
    services: Any = processor
    return policy_case("native-ext-proc", {**PROCESSOR, **settings}, services=services), processor


BUFFERED = {"requestBodyMode": "buffered", "responseBodyMode": "buffered"}


async def passes_through(case: PolicyCase, context: Any, body: bytes = b"", **more: Any) -> Response | None:
    """Send a request and answer it, as the exchange does it."""
    refused = await case.ask(context)
    if refused is not None:
        return refused
    try:
        await case.answer_later(context, body=body, **more)
    except Refused as refusal:
        return refusal.response
    finally:
        case.end(context)
    return None


def test_the_parts_of_a_request_are_shown_in_turns_over_one_call() -> None:
    async def test() -> None:
        case, processor = place(**BUFFERED)
        context = request("POST", "/a?b=c", {"host": "shop.example", "x-a": "1"}, body=b"four")
        assert await passes_through(case, context, b"answer", headers={"x-b": "2"}) is None
        assert processor.parts == ["request_headers", "request_body", "response_headers", "response_body"]
        shown = {each.key: each.raw_value for each in processor.asked[0].request_headers.headers.headers}
        assert shown == {
            ":method": b"POST", ":path": b"/a?b=c", ":authority": b"shop.example", "x-a": b"1",
            "x-forwarded-for": b"192.0.2.1", "x-request-id": b"request-1",
        }  # fmt: skip
        assert (processor.asked[1].request_body.body, processor.asked[3].response_body.body) == (b"four", b"answer")
        shown = {each.key: each.raw_value for each in processor.asked[2].response_headers.headers.headers}
        assert shown == {":status": b"200", "x-b": b"2"}
        assert [each.HasField("protocol_config") for each in processor.asked] == [True, False, False, False]
        assert processor.story[0] == "ended"

    asyncio.run(test())


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, ["request_headers", "response_headers"]),
        ({"requestHeaderMode": "skip"}, ["response_headers"]),
        ({"responseHeaderMode": "skip"}, ["request_headers"]),
        ({"requestHeaderMode": "skip", "responseHeaderMode": "skip", **BUFFERED}, ["request_body", "response_body"]),
        ({"responseHeaderMode": "skip", "requestBodyMode": "buffered"}, ["request_headers", "request_body"]),
    ],
)
def test_only_what_is_asked_for_is_shown(settings: dict[str, Any], parts: list[str]) -> None:
    async def test() -> None:
        case, processor = place(**settings)
        assert await passes_through(case, request("POST", body=b"four"), b"answer") is None
        assert processor.parts == parts
        assert "broken off" not in processor.story

    asyncio.run(test())


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_bodies_that_are_none_are_not_shown(method: str, status: int) -> None:
    async def test() -> None:
        case, processor = place(**BUFFERED)
        assert await passes_through(case, request(method), status=status) is None
        assert processor.parts == ["request_headers", "response_headers"]
        assert processor.asked[0].request_headers.end_of_stream
        assert processor.asked[1].response_headers.end_of_stream

    asyncio.run(test())


def test_headers_bodies_and_status_become_what_the_processor_says() -> None:
    def answer(asked: v3.ProcessingRequest) -> v3.ProcessingResponse:
        part = str(asked.WhichOneof("request"))
        names = [("x-user", "ada"), ("host", "evil"), ("x-forwarded-for", "10.0.0.1"), ("content-length", "99")]
        names += [(":status", "201")] if part.startswith("response") else []
        headers = [{"header": {"key": name, "raw_value": value.encode()}} for name, value in names]
        common: Any = {"header_mutation": {"set_headers": headers, "remove_headers": ["x-secret"]}}
        if part.endswith("body"):
            common["body_mutation"] = {"body": b"new"}
        return v3.ProcessingResponse(**{part: {"response": common}})

    async def test() -> None:
        case, _ = place(answer, **BUFFERED)
        context = request("POST", headers={"host": "shop.example", "x-secret": "s"}, body=b"four")
        assert await passes_through(case, context, b"answer", headers={"x-secret": "s"}) is None
        assert context.headers == [(b"host", b"shop.example"), (b"x-user", b"ada")]
        assert (context.body, context.response_body, context.response_status) == (b"new", b"new", 201)
        # Of an answer that names nobody.
        assert context.response_headers == [(b"x-user", b"ada"), (b"x-forwarded-for", b"10.0.0.1")]

    asyncio.run(test())


def test_a_message_can_be_replaced_whole() -> None:
    def answer(asked: v3.ProcessingRequest) -> v3.ProcessingResponse:
        replaced = {"response": {"status": 1, "body_mutation": {"body": b"instead"}}}
        return v3.ProcessingResponse(**{str(asked.WhichOneof("request")): replaced})

    async def test() -> None:
        case, processor = place(answer)
        context = request("GET")
        assert await passes_through(case, context, b"answer") is None
        assert (context.body, context.response_body) == (b"instead", b"instead")
        assert processor.parts == ["request_headers", "response_headers"]

    asyncio.run(test())


@pytest.mark.parametrize("allowed", [True, False])
def test_the_processor_chooses_what_comes_next_where_it_may(allowed: bool) -> None:
    def answer(asked: v3.ProcessingRequest) -> v3.ProcessingResponse:
        return plainly(asked, mode_override={"request_body_mode": 2, "response_header_mode": 2})

    async def test() -> None:
        case, processor = place(answer, allowModeOverride=allowed)
        assert await passes_through(case, request("POST", body=b"four")) is None
        assert processor.parts[1] == ("request_body" if allowed else "response_headers")
        assert len(processor.parts) == 2

    asyncio.run(test())


# Who gets an answer instead


def immediate(**fields: Any) -> Answer:
    return lambda asked: v3.ProcessingResponse(immediate_response=fields)


@pytest.mark.parametrize(
    ("fields", "status", "code", "body"),
    [
        ({"status": {"code": 403}}, 403, "ext_proc_denied", None),
        ({"status": {"code": 429}, "body": b"slow down"}, 429, "ext_proc_denied", b"slow down"),
        ({"status": {"code": 200}, "body": b"cached"}, 200, "", b"cached"),
        ({"status": {"code": 204}, "body": b"cached"}, 204, "", b""),
    ],
)
def test_an_immediate_answer_of_the_request(fields: dict[str, Any], status: int, code: str, body: bytes | None) -> None:
    async def test() -> None:
        case, processor = place(immediate(**fields))
        answer = await case.ask(request())
        assert answer is not None
        assert (answer.status, answer.code, answer.body) == (status, code, body)
        assert dict(answer.headers).get(b"content-type") == (b"text/plain" if body else None)
        assert processor.story == ["ended"]

    asyncio.run(test())


@pytest.mark.parametrize("part", ["response_headers", "response_body"])
def test_an_immediate_answer_instead_of_that_of_the_service(part: str) -> None:
    def answer(asked: v3.ProcessingRequest) -> v3.ProcessingResponse:
        if asked.WhichOneof("request") != part:
            return plainly(asked)
        headers = [{"header": {"key": "content-type", "value": "text/html"}}]
        return v3.ProcessingResponse(
            immediate_response={"status": {"code": 451}, "headers": {"set_headers": headers}, "body": b"<b>no</b>"}
        )

    async def test() -> None:
        case, _ = place(answer, responseBodyMode="buffered")
        found = await passes_through(case, request(), b"answer")
        assert found is not None
        assert (found.status, found.code, found.body) == (451, "ext_proc_denied", b"<b>no</b>")
        assert found.headers == ((b"content-type", b"text/html"),)

    asyncio.run(test())


# Failures


def failing(part: str, failure: Any) -> Answer:
    return lambda asked: failure(asked) if asked.WhichOneof("request") == part else plainly(asked)


FAILURES: dict[str, Callable[[Any], Any]] = {
    "refused": lambda asked: FetchError("refused"),
    "nothing": lambda asked: v3.ProcessingResponse(),
    "pieces": lambda asked: plainly(asked, mode_override={"request_body_mode": 1}),
    "line break": lambda asked: v3.ProcessingResponse(
        **{
            str(asked.WhichOneof("request")): {
                "response": {"header_mutation": {"remove_headers": ["x-a\r\nx-admin: 1"]}}
            }
        }
    ),
}


@pytest.mark.parametrize("part", ["request_headers", "request_body", "response_headers", "response_body"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("open_", [True, False])
def test_a_failure_refuses_or_lets_pass_and_ends_the_call(part: str, failure: str, open_: bool) -> None:
    if failure == "pieces" and part.endswith("body"):
        return  # passed over there

    async def test() -> None:
        case, processor = place(failing(part, FAILURES[failure]), failureModeAllow=open_, **BUFFERED)
        context = request("POST", headers={"x-a": "1"}, body=b"four")
        found = await passes_through(case, context, b"answer")
        if open_:
            assert found is None
            assert context.headers == [(b"x-a", b"1")]
            assert context.body == (None if part == "request_headers" else b"four")
            assert processor.parts[-1] == part
        else:
            assert found is not None
            assert (found.status, found.code) == (500, "ext_proc_unavailable")
        assert processor.story

    asyncio.run(test())


def test_a_processor_that_ends_the_call_is_not_asked_again_and_the_request_passes() -> None:
    async def test() -> None:
        case, processor = place(lambda asked: None, **BUFFERED)
        assert await passes_through(case, request("POST", body=b"four"), b"answer") is None
        assert processor.parts == ["request_headers"]

    asyncio.run(test())


@pytest.mark.parametrize(
    ("most", "asked_for", "given"),
    [
        (5000, [4], [0.5, 4]),
        # Once for each part, and not more than it may have.
        (5000, [4, 3], [0.5, 4, None]),
        (2000, [4, 2], [0.5, None, 2]),
        (0, [4], [0.5, None]),
        (5000, [0], [0.5, None]),
    ],
)
def test_more_time_is_given_up_to_the_longest_timeout(most: int, asked_for: list[int], given: list[Any]) -> None:
    answers = [v3.ProcessingResponse(override_message_timeout={"seconds": seconds}) for seconds in asked_for]

    async def test() -> None:
        settings = {"messageTimeout": 500, "maxMessageTimeout": most}
        case, processor = place(lambda asked: answers.pop(0) if answers else plainly(asked), **settings)
        assert await case.ask(request()) is None
        assert processor.given == given

    asyncio.run(test())


def test_events_without_an_end_are_not_waited_for() -> None:
    async def test() -> None:
        case, _ = place(responseBodyMode="buffered")
        found = await passes_through(case, request(), headers={"content-type": "text/event-stream"})
        assert found is not None
        assert found.code == "ext_proc_unavailable"
        case, processor = place(responseBodyMode="buffered", failureModeAllow=True)
        assert await passes_through(case, request(), headers={"content-type": "text/event-stream"}) is None
        assert processor.parts == ["request_headers", "response_headers"]

    asyncio.run(test())


def test_a_request_that_ends_ends_the_call() -> None:
    async def test() -> None:
        case, processor = place()
        context = request()
        assert await case.ask(context) is None
        assert processor.story == []
        case.end(context)
        assert processor.story == ["ended"]

    asyncio.run(test())


def test_a_request_that_was_never_shown_has_no_call_to_end() -> None:
    case, processor = place()
    case.end(request())
    assert processor.story == []


def test_a_body_is_asked_for_without_waiting_where_headers_are_not_shown() -> None:
    case, _ = place(requestHeaderMode="skip", requestBodyMode="buffered")
    assert case.chain.run_request(request("POST", body=b"four")) is NEEDS_BODY
    assert case.chain.run_request(request()) is None
