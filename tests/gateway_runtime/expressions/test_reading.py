from typing import Any

import pytest

from gateway_runtime.expressions.given import AUTHENTICATION, CLIENT_ID, Given
from gateway_runtime.expressions.reading import wire
from gateway_runtime.expressions.scope import Scope, Side
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.expressions.types import BOOLEAN, NUMBER, OBJECT, optional
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.schema.expression import ExpressionSetting, Gives

from .kit import evaluate, failure, message, mistake

RESPONSE = Scope(side=Side.RESPONSE)


def answered() -> RequestContext:
    context = message(headers={"x-id": "asked"})
    context.response_status = 503
    context.response_headers = [(b"x-id", b"told"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    return context


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("attributes.method", "POST"),
        ("attributes.requestPath", "/orders/caf%C3%A9"),
        ("attributes.queryString", "a=1&b=x%20y"),
        ("attributes.requestUri", "/orders/caf%C3%A9?a=1&b=x%20y"),
        ("attributes.remoteAddress", "192.0.2.7"),
        ("attributes.localAddress", "198.51.100.1"),
        ("attributes.scheme", "https"),
        ("attributes.version", "HTTP/1.1"),
        ("attributes.headers['x-key']", "K1"),
        ("attributes.headers.accept", "*/*"),
        ("attributes.headers['x-none']", None),
        ("attributes.headers[lower('X-KEY')]", "K1"),
        ("attributes.headers[attributes.method]", None),
        ("attributes['method']", "POST"),
        ("attributes.queryParams.b", "x y"),
        ("attributes.queryParams['none']", None),
        ("attributes.queryParams", {"a": "1", "b": "x y"}),
        ("attributes.headers", {"x-key": "K1", "accept": "*/*"}),
        ("sizeOf(attributes)", 10),
        ("payload.id", 7),
        ("vars.claimSet.sub", "u1"),
        ("vars.claimSet.aud[0]", "api"),
        ("authentication.clientId", "7d1f"),
        ("authentication.clientName", "Shop"),
        ("authentication.principal", "7d1f"),
        ("authentication.properties.claims.scope", "read"),
    ],
)
def test_what_names_give(source: str, value: Any) -> None:
    context = message(b"POST", b"/orders/caf%C3%A9", b"a=1&b=x%20y", {"x-key": "K1", "accept": "*/*"})
    context.application, context.application_name, context.principal = "app-1", "Shop", b"7d1f"
    context.note(AUTHENTICATION, {"claims": {"scope": "read"}})
    context.note(CLIENT_ID, "7d1f")
    given = Given(
        payload={"id": 7},
        vars={"claimSet": {"sub": "u1", "aud": ["api"]}},
        scheme="https",
        version="HTTP/1.1",
        local_address="198.51.100.1",
    )
    assert evaluate(source, context, given) == value


@pytest.mark.parametrize(
    "source",
    [
        "attributes.scheme", "attributes.version", "attributes.localAddress", "authentication.clientId",
        "authentication.clientName", "authentication.principal", "authentication.properties",
        "authentication.properties.claims.sub", "payload", "payload.id", "vars.claimSet", "vars.claimSet.sub",
        "attributes.headers['x']", "attributes.queryParams.x",
    ],
)  # fmt: skip
def test_what_is_not_there_is_null(source: str) -> None:
    assert evaluate(source) is None


def test_a_user_is_no_client_application() -> None:
    context = message()
    context.principal = b"ada"
    assert evaluate("[authentication.principal, authentication.clientId]", context) == ["ada", None]


def test_the_client_id_is_the_principal_where_nothing_else_is_known() -> None:
    context = message()
    context.application, context.principal = "app-1", b"7d1f"
    assert evaluate("authentication.clientId", context) == "7d1f"


def test_the_subject_of_a_token_is_no_client_id() -> None:
    context = message()
    context.application, context.principal = "app-1", b"user-17"
    context.note(AUTHENTICATION, {"claims": {"sub": "user-17"}})
    assert evaluate("authentication.clientId", context) is None
    context.note(CLIENT_ID, "7d1f")
    assert evaluate("authentication.clientId", context) == "7d1f"


def test_a_request_without_a_query_has_no_parameters() -> None:
    assert evaluate("[attributes.queryParams, attributes.requestUri]") == [{}, "/orders/17"]


@pytest.mark.parametrize("source", ["vars.flag", "vars.flag and true", "vars.flag == true", "[vars.flag]"])
def test_a_variable_of_another_type_than_declared_is_a_failure(source: str) -> None:
    scope = Scope(variables={"flag": BOOLEAN})
    assert failure(source, given=Given(vars={"flag": "yes"}), scope=scope) == "wrong_type"
    assert evaluate("vars.flag", given=Given(vars={"flag": True}), scope=scope) is True
    assert evaluate("vars.flag", scope=scope) is None


def test_properties_that_are_no_object_are_a_failure() -> None:
    context = message()
    context.note(AUTHENTICATION, "text")
    assert failure("authentication.properties", context) == "wrong_type"
    assert failure("authentication.properties.claims", context) == "wrong_type"


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        (b"a=1", "a", "1"), (b"a", "a", ""), (b"a=", "a", ""), (b"a=b=c", "a", "b=c"), (b"A=1", "a", None),
        (b"%61=1", "a", "1"), (b"a+b=1", "a b", "1"), (b"a=x+y%2B", "a", "x y+"), (b"a=%ZZ", "a", "%ZZ"),
        (b"a=%C3%A9", "a", "é"), (b"b=1&&a=2", "a", "2"), (b"a=1;b=2", "a", "1;b=2"), (b"%C3%A9=1", "é", "1"),
        (b"a=1&a=2", "a", None), (b"a=1&%61=2", "a", None), (b"a=1&a=1&a=1", "a", None),
    ],
)  # fmt: skip
def test_query_parameters(query: bytes, name: str, value: str | None) -> None:
    context = message(query=query)
    assert evaluate(f"attributes.queryParams['{name}']", context) == value
    whole = evaluate("attributes.queryParams", context)
    assert whole.get(name) == value


@pytest.mark.parametrize(
    ("headers", "name", "value"),
    [
        ([(b"x-key", b"a"), (b"x-key", b"b")], "x-key", None),
        ([(b"x-key", b"a"), (b"x-key", b"a")], "x-key", None),
        ([(b"x-forwarded-for", b"a, b"), (b"x", b"1"), (b"x-forwarded-for", b"c")], "x-forwarded-for", "a, b, c"),
        ([(b"accept", b"a"), (b"accept", b"b"), (b"accept", b"c")], "accept", "a, b, c"),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2")], "cookie", "a=1; b=2"),
        ([(b"x-key", b"")], "x-key", ""),
        ([(b"x-key", "é".encode())], "x-key", "é"),
        ([(b"x-key", b"\xff\xe9")], "x-key", "\udcff\udce9"),
    ],
)
def test_request_headers(headers: list[tuple[bytes, bytes]], name: str, value: str | None) -> None:
    context = message(headers=headers)
    assert evaluate(f"attributes.headers['{name}']", context) == value
    assert evaluate("attributes.headers", context).get(name) == value


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    context = message(headers=[(b"x-key", b"a\xff\xe9\xc3\xa9")])
    assert wire(evaluate("'<' ++ attributes.headers['x-key'] ++ '>'", context)) == b"<a\xff\xe9\xc3\xa9>"
    assert wire("\ud800") == b"?"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("attributes.statusCode", 503),
        ("attributes.statusCode >= 500", True),
        ("attributes.headers['x-id']", "told"),
        ("attributes.headers['x-none']", None),
        ("attributes.headers['set-cookie']", "a=1, b=2"),
        ("attributes.headers", {"x-id": "told", "set-cookie": "a=1, b=2"}),
        ("authentication.principal", None),
    ],
)
def test_what_names_give_with_the_response(source: str, value: Any) -> None:
    assert evaluate(source, answered(), scope=RESPONSE) == value


@pytest.mark.parametrize(
    ("source", "scope", "position", "words"),
    [
        ("#[attributs.method]", Scope(), 2, "There is no “attributs”. Did you mean “attributes”?"),
        ("#[attributes.metod]", Scope(), 13, "There is no “attributes.metod”. Did you mean “method”?"),
        ("#[attributes.requestpath]", Scope(), 13, "Did you mean “requestPath”?"),
        ("#[attributes.zzz]", Scope(), 13, "Known are headers, localAddress, method,"),
        ("#[attributes['metod']]", Scope(), 13, "Did you mean “method”?"),
        ("#[attributes[payload]]", Scope(payload=True), 13, "What follows “attributes” is one of its names"),
        ("#[attributes.headers['X-Key']]", Scope(), 21, "write “x-key”"),
        ("#[attributes.statusCode]", Scope(), 13, "belongs to the response"),
        ("#[attributes.method]", RESPONSE, 13, "belongs to the request"),
        ("#[payload.id]", Scope(), 2, "evaluated without the body"),
        ("#[vars.claimSet]", Scope(), 2, "This policy has no variables"),
        ("#[vars.claimset]", Scope(variables={"claimSet": OBJECT}), 7, "Did you mean “claimSet”?"),
        ("#[vars.left.x]", Scope(variables={"left": optional(NUMBER)}), 12, "which has no parts"),
        ("#[authentication.clientid]", Scope(), 17, "Did you mean “clientId”?"),
        ("#[method]", Scope(), 2, "There is no “method”. Known are attributes, authentication."),
    ],
)
def test_names_that_are_not_known_are_refused(source: str, scope: Scope, position: int, words: str) -> None:
    code, sentence, at = mistake(source, scope=scope)
    assert code in ("unknown_name", "upper_case_header", "no_such_part")
    assert at == position
    assert words in sentence


def test_request_and_response_can_be_asked_for_by_one_expression() -> None:
    takes = ExpressionSetting(either=True, text=True)
    evaluate = compile_for(
        takes, "#[attributes.method] #[attributes.statusCode] #[attributes.headers['x-a']] #[attributes.headers.'x-b']"
    ).evaluate
    whole = compile_for(ExpressionSetting(either=True, gives=Gives.OBJECT), "#[attributes.headers]").evaluate
    context = RequestContext(b"GET", b"/", b"", [(b"x-a", b"1")], "192.0.2.1", b"id")
    context.response_headers = [(b"x-b", b"2")]
    assert (evaluate(context), whole(context)) == ("GET  1 ", {"x-a": "1"})
    context.response_status = 204
    assert (evaluate(context), whole(context)) == ("GET 204  2", {"x-b": "2"})
