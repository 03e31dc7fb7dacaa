"""External authorization: the messages beside Envoy's own definitions, the settings, and what becomes of a verdict."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import pytest
from envoy.service.auth.v2 import external_auth_pb2 as v2
from envoy.service.auth.v3 import external_auth_pb2 as v3
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.header_changes import Action
from gateway_runtime.fetching.service import AskedServices
from gateway_runtime.grpc.wire import WireError
from gateway_runtime.http.responses import problem
from gateway_runtime.policies.ext_authz_messages import check_request, read_verdict
from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request
from gateway_runtime.tls.client_certificate import ClientCertificate
from gateway_runtime.upstream.asking import Answered
from tests.certificates import Authority

PAIR = Authority().issue("till.example", "spiffe://shop/till", common_name="till-7")


def question(context: Any, allowed: Any = None, **more: Any) -> Any:
    data = check_request(context, allowed, **{"now": 1_700_000_000.25, "with_certificate": False, **more})
    # Both versions read the same.
    assert v2.CheckRequest.FromString(data).attributes.request.http.path
    return v3.CheckRequest.FromString(data).attributes


def test_a_question_says_what_is_known_of_the_request() -> None:
    headers = [("Host", "shop.example"), ("X-A", "1"), ("x-a", "2"), ("cookie", "a=b")]
    context = request("POST", "/orders?a=b", headers, client_ip="2001:db8::1", body=b"four")
    found = question(context)
    http = found.request.http
    assert (http.method, http.path, http.host, http.size, http.id) == (
        "POST",
        "/orders?a=b",
        "shop.example",
        4,
        "request-1",
    )
    assert dict(http.headers) == {
        ":method": "POST", ":path": "/orders?a=b", ":authority": "shop.example", "x-a": "1,2", "cookie": "a=b",
        "x-forwarded-for": "2001:db8::1", "x-request-id": "request-1",
    }  # fmt: skip
    assert found.source.address.socket_address.address == "2001:db8::1"
    assert (found.request.time.seconds, found.request.time.nanos) == (1_700_000_000, 250_000_000)


def test_a_body_of_unknown_length_has_the_size_of_none() -> None:
    context = request("POST", "/")
    context.body_length = -1
    assert question(context).request.http.size == -1


@pytest.mark.parametrize("with_certificate", [True, False])
def test_a_question_names_whose_certificate_was_shown(with_certificate: bool) -> None:
    context = request()
    context.client_certificate = ClientCertificate(PAIR.der)
    source = question(context, with_certificate=with_certificate).source
    assert source.principal == "spiffe://shop/till"
    assert unquote(source.certificate) == (PAIR.certificate if with_certificate else "")


def test_only_allowed_headers_are_shown() -> None:
    found = question(request(headers={"x-a": "1", "x-b": "2"}), frozenset({b"x-b"}))
    assert dict(found.request.http.headers) == {"x-b": "2"}


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=50))
def test_whatever_a_header_says_is_a_text(value: str) -> None:
    found = question(request(headers={"x-a": value}))
    assert "x-a" in found.request.http.headers


# The verdict


@pytest.mark.parametrize(
    ("append", "append_action", "action"),
    [
        (None, 0, Action.SET), (False, 0, Action.SET), (True, 0, Action.APPEND), (False, 1, Action.SET),
        (None, 1, Action.ADD_IF_ABSENT), (None, 2, Action.SET), (None, 3, Action.SET_IF_PRESENT),
    ],
)  # fmt: skip
def test_what_is_done_with_a_header(append: bool | None, append_action: int, action: Action) -> None:
    answer = v3.CheckResponse()
    option = answer.ok_response.headers.add()
    option.header.key, option.header.value, option.append_action = "x-a", "1", append_action
    if append is not None:
        option.append.value = append
    assert read_verdict(answer.SerializeToString()).backend == [(action, b"x-a", b"1")]


def test_the_raw_value_of_a_header_counts() -> None:
    answer = v3.CheckResponse()
    option = answer.ok_response.headers.add()
    option.header.key, option.header.raw_value = "x-a", b"\xe4"
    assert read_verdict(answer.SerializeToString()).backend == [(Action.SET, b"x-a", b"\xe4")]


def test_headers_go_before_they_come() -> None:
    answer = v3.CheckResponse()
    answer.ok_response.headers_to_remove.append("x-a")
    option = answer.ok_response.headers.add()
    option.header.key, option.header.value = "x-a", "1"
    assert [change.action for change in read_verdict(answer.SerializeToString()).backend] == [Action.REMOVE, Action.SET]


def _answer(**fields: Any) -> bytes:
    return v3.CheckResponse(**fields).SerializeToString()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (_answer(status={"code": 0}), 0),
        (_answer(ok_response={}), 0),
        (_answer(status={"code": 7}), 403),
        (_answer(status={"code": 16}, ok_response={}), 403),
        (_answer(denied_response={}), 403),
        (_answer(status={"code": 0}, denied_response={"status": {"code": 401}}), 401),
        # What no library writes, as it is a choice: the refusal counts in either order.
        (_answer(denied_response={}) + _answer(ok_response={}), 403),
        (_answer(ok_response={}) + _answer(denied_response={}), 403),
    ],
)
def test_who_may_pass(data: bytes, status: int) -> None:
    assert read_verdict(data).status == status


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        _answer(dynamic_metadata={}),
        _answer(error_response={}),
        _answer(status={"code": 0}, error_response={}),
        _answer(denied_response={"status": {"code": 101}}),
        _answer(denied_response={"status": {"code": 600}}),
        _answer(ok_response={"query_parameters_to_set": [{"key": "a", "value": "b"}]}),
        _answer(ok_response={"headers": [{"header": {"key": "x-a"}, "append_action": 9}]}),
        _answer(status={"code": 0})[:-1] + b"\x7f",
    ],
)
def test_what_is_no_verdict(data: bytes) -> None:
    with pytest.raises(WireError):
        read_verdict(data)


@given(st.binary(max_size=100))
def test_noise_never_breaks_it(data: bytes) -> None:
    with suppress(WireError):
        read_verdict(data)


# The settings

GRPC = {"uri": "h2://127.0.0.1:9191"}
HTTP = {"uri": "http://127.0.0.1:9191/check/", "serverType": "http"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"uri": "127.0.0.1:9191"}, "A URI is h2://, http:// or https://"),
        ({"uri": "h2://user@host:1"}, "A URI is h2://, http:// or https://"),
        ({"uri": "h2://host:0"}, "A URI is h2://, http:// or https://"),
        ({"uri": "h2://host:9191/path"}, "The URI of a gRPC server has no path"),
        ({"uri": "h2://host:9191", "serverType": "http"}, "An HTTP server is at http:// or https://"),
        ({"uri": "http://host/?a", "serverType": "http"}, "The path of the URI comes before"),
        ({**GRPC, "allowedHeaders": ["x a"]}, "“x a” is not a header name"),
        ({**GRPC, "serviceResponseUpstreamHeaders": ["x-a"]}, "An authorizer of gRPC says itself"),
        ({**GRPC, "serviceRequestHeadersToAdd": [{"key": "a", "value": "b"}]}, "An authorizer of gRPC says itself"),
        ({**HTTP, "serviceResponseUpstreamHeaders": ["Host"]}, "No authorizer can set “Host” for the backend"),
        (
            {**HTTP, "serviceResponseUpstreamHeadersToAppend": ["x-forwarded-for"]},
            "No authorizer can set “x-forwarded-",
        ),
        ({**HTTP, "serviceResponseClientHeaders": ["connection"]}, "No authorizer can set “connection” for callers"),
        ({**HTTP, "serviceResponseClientHeadersOnSuccess": ["a:b"]}, "“a:b” is not a header name"),
        ({**HTTP, "serviceRequestHeadersToAdd": [{"key": "Host", "value": "b"}]}, "The gateway sets “Host” itself"),
        ({**HTTP, "serviceRequestHeadersToAdd": [{"key": "te", "value": "b"}]}, "The gateway sets “te” itself"),
        ({**HTTP, "serviceRequestHeadersToAdd": [{"key": "a", "value": "b\r\nc: d"}]}, "A header value cannot contain"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition("native-ext-authz"), settings)
    assert caught.value.message.startswith(sentence)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (GRPC, ("http", "http2", "127.0.0.1", 9191)),
        ({"uri": "https://Authorizer.example"}, ("https", "http2", "authorizer.example", 443)),
        ({"uri": "h2://[::1]:9191"}, ("http", "http2", "::1", 9191)),
        (HTTP, ("http", "http1", "127.0.0.1", 9191)),
    ],
)
def test_the_service_of_a_uri(settings: dict[str, Any], expected: tuple[str, str, str, int]) -> None:
    config: Any = read_config(definition("native-ext-authz"), settings)
    service = config.service()
    [target] = service.targets
    assert (service.scheme, service.protocol, target.host, target.port) == expected


def test_policies_that_ask_the_same_authorizer_share_its_connections() -> None:
    first: Any = read_config(definition("native-ext-authz"), GRPC)
    second: Any = read_config(definition("native-ext-authz"), {**GRPC, "requestTimeout": 9, "allowedHeaders": ["a"]})
    services = AskedServices()
    assert services.get(first.service()).pool is services.get(second.service()).pool


# What becomes of it


class FakeService:
    """Answers with what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.lines: list[bytes] = []

    def get(self, service: Any) -> "FakeService":
        return self

    async def ask(self, method: bytes, path: bytes, lines: Any, **more: Any) -> Any:
        self.lines = list(lines)
        return await self.call(method, path)

    async def call(self, method: bytes, message: bytes, **more: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def case_with(answer: Any, settings: dict[str, Any]) -> tuple[PolicyCase, FakeService]:
    service = FakeService(answer)
    return policy_case("native-ext-authz", settings, services=service), service


def test_headers_for_the_caller_are_on_the_answer_to_a_request_that_passed() -> None:
    answer = v3.CheckResponse()
    option = answer.ok_response.response_headers_to_add.add()
    option.header.key, option.header.value = "x-a", "new"
    case, _ = case_with(answer.SerializeToString(), GRPC)
    context = request()
    assert asyncio.run(case.ask(context)) is None
    assert case.answer(context, {"x-a": "old", "x-b": "1"}) == {"x-a": "new", "x-b": "1"}


@pytest.mark.parametrize("settings", [GRPC, HTTP])
@pytest.mark.parametrize("status", [403, 503])
def test_a_failure_refuses_with_the_status_on_error(settings: dict[str, Any], status: int) -> None:
    case, _ = case_with(FetchError("timeout"), {**settings, "statusOnError": status})
    refused = asyncio.run(case.ask(request()))
    assert refused is not None
    assert (refused.status, refused.code) == (status, "ext_authz_unavailable")


def test_a_refusal_with_words_of_the_authorizer_is_not_kept_for_others() -> None:
    answered = Answered(401, [(b"www-authenticate", b'Bearer nonce="1"')], b"", [])
    case, _ = case_with(answered, HTTP)
    refused = asyncio.run(case.ask(request()))
    assert refused is not None
    assert refused.headers == ((b"www-authenticate", b'Bearer nonce="1"'),)
    assert problem(refused) is not problem(refused)


def test_several_values_of_an_http_authorizer_replace_those_of_the_caller() -> None:
    answered = Answered(200, [(b"x-role", b"a"), (b"x-role", b"b"), (b"x-other", b"c")], b"", [])
    case, _ = case_with(answered, {**HTTP, "serviceResponseUpstreamHeaders": ["X-Role"]})
    context = request(headers={"x-role": "admin", "x-own": "1"})
    assert asyncio.run(case.ask(context)) is None
    assert context.headers == [(b"x-own", b"1"), (b"x-role", b"a"), (b"x-role", b"b")]


def test_an_http_authorizer_gets_no_header_twice_from_the_gateway() -> None:
    case, service = case_with(Answered(200, [], b"", []), {**HTTP, "allowedHeaders": ["User-Agent", "x-request-id"]})
    asyncio.run(case.ask(request(headers={"user-agent": "me", "host": "a"})))
    assert service.lines == [b"user-agent: me", b"x-request-id: request-1"]


def test_a_private_authorizer_is_not_asked_where_private_addresses_are_not_allowed() -> None:
    config: Any = read_config(definition("native-ext-authz"), {"uri": "http://127.0.0.1:9191", "serverType": "http"})
    service = AskedServices().get(config.service())
    with pytest.raises(FetchError) as caught:
        asyncio.run(service.ask(b"GET", b"/", [], seconds=1, limit=10))
    assert caught.value.code == "address_refused"
