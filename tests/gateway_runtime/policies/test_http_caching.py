from typing import Any

import pytest

from gateway_runtime.policies.context import OWN_ANSWER, WEBSOCKET
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

from .caching import NAME, Front

# What is given


def test_an_answer_is_given_again_with_its_age() -> None:
    front = Front()
    assert front.get(answer={"content-type": "text/plain", "content-length": "4"}, pieces=3) is None
    front.case.clock.advance(17.9)
    found = front.get()
    assert found is not None
    assert (found.status, found.body, found.code, found.policy, found.once) == (200, b"body", "", "", True)
    assert dict(found.headers) == {
        b"content-type": b"text/plain", b"date": b"Thu, 01 Jan 1970 00:16:40 GMT", b"age": b"17",
    }  # fmt: skip
    assert front.asked == 1


def test_it_ends_with_its_time_to_live() -> None:
    front = Front(ttl=10)
    front.get()
    front.case.clock.advance(9.9)
    assert front.get() is not None
    front.case.clock.advance(0.2)
    assert front.get() is None


def test_a_date_is_left_as_it_is_and_what_is_of_one_connection_is_not_kept() -> None:
    front = Front()
    front.get(answer={"date": "then", "age": "3", "x-request-id": "1", "etag": '"1"', "content-length": "4"})
    found = front.get()
    assert found is not None
    assert dict(found.headers) == {b"date": b"then", b"etag": b'"1"', b"age": b"3"}


def test_what_outlives_a_revision() -> None:
    first = policy_case(NAME, {})
    Front(first).get()
    second = policy_case(NAME, {"ttl": 5}, kept=first.kept, clock=first.clock)
    assert Front(second).get() is not None


# The key


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("/a", {}), ("/b", {})),
        (("/a?x=1", {}), ("/a?x=2", {})),
        (("/a", {}), ("/a?x=1", {})),
        (("/a", {"host": "shop.example"}), ("/a", {"host": "evil.example"})),
    ],
)
def test_what_makes_another_answer_is_another_key(
    first: tuple[str, dict[str, str]], second: tuple[str, dict[str, str]]
) -> None:
    front = Front()
    front.get(*first)
    assert front.get(*second) is None


def test_the_method_belongs_to_the_key_and_a_head_is_answered_by_what_was_kept_for_get() -> None:
    front = Front(requestExpression="#[true]")
    assert not front.kept(method="HEAD")
    front.get()
    found = front.get(method="HEAD")
    assert found is not None
    assert found.body == b"body"
    assert front.get(method="DELETE") is None
    assert front.get(method="DELETE") is not None


def test_a_key_that_uses_the_query_takes_its_place() -> None:
    front = Front(httpCachingKey="#[attributes.requestPath ++ '|' ++ attributes.queryParams['page']]")
    front.get("/a?page=1&utm=x")
    assert front.get("/a?utm=y&page=1") is not None
    assert front.get("/a?page=2") is None


def test_a_key_that_fails_or_gives_nothing_lets_the_request_pass() -> None:
    assert not Front(httpCachingKey="#[attributes.headers['x-none']]").kept()
    assert not Front(httpCachingKey="#[attributes.headers['x-a'] ++ 'b']").kept()


@pytest.mark.parametrize(
    "vary", ["accept-language", "Accept-Language, accept-encoding", "accept-language,accept-language"]
)
def test_an_answer_is_kept_for_the_headers_that_it_varies_by(vary: str) -> None:
    front = Front()
    for language in ("de", "en"):
        front.get(headers={"accept-language": language}, answer={"vary": vary}, body=language.encode())
    for language in ("de", "en"):
        found = front.get(headers={"accept-language": language})
        assert found is not None
        assert found.body == language.encode()
    assert front.get(headers={"accept-language": "fr"}, answer={"vary": vary}) is None
    assert front.get() is None


def test_an_answer_that_varies_by_everything_is_not_kept() -> None:
    assert not Front().kept(answer={"vary": "*"})
    assert not Front().kept(answer={"vary": "origin, *"})


def test_headers_are_compared_as_they_were_here_whatever_later_policies_make_of_them() -> None:
    front = Front()
    context = request("GET", "/a", {"host": "shop.example", "accept-language": "de"})
    assert front.case.send(context) is None
    context.headers.append((b"accept-language", b"changed"))
    front.respond(context, {"vary": "accept-language"})
    assert front.get(headers={"accept-language": "de"}) is not None


# What is looked up, and what is kept


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_neither_looked_up_nor_make_it_forget(method: str) -> None:
    front = Front()
    front.get()
    assert not front.kept(method=method)
    assert front.get() is not None


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 404, 405, 410, 414, 501])
def test_statuses_that_are_kept(status: int) -> None:
    front = Front()
    front.get(status=status, body=b"" if status == 204 else b"x")
    found = front.get()
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize("status", [201, 206, 302, 304, 400, 401, 403, 500, 502, 503])
def test_statuses_that_are_not(status: int) -> None:
    assert not Front().kept(status=status)


def test_own_conditions() -> None:
    front = Front(
        requestExpression="#[attributes.headers['x-cache'] == 'yes']",
        responseExpression="#[attributes.statusCode == 500]",
    )
    assert not front.kept(status=500)
    assert not front.kept(headers={"x-cache": "yes"})
    assert front.kept(headers={"x-cache": "yes"}, status=500)
    assert front.kept(headers={"x-cache": "yes"}, status=500, method="POST")
    always = Front(requestExpression="#[true]", responseExpression="#[true]")
    assert always.kept(method="POST", status=503)
    assert not always.kept("/range", status=206)
    assert not always.kept("/unchanged", status=304)


def test_a_condition_that_fails_keeps_nothing() -> None:
    assert not Front(responseExpression="#[attributes.headers['x'] > 3]").kept(answer={"x": "a"})


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"range": "bytes=0-1"}}, {"headers": {"range": "bytes=" + "0-," * 1000}},
        {"headers": {"if-range": '"1"'}}, {"sent": b"body"}, {"body_length": -1}, {"note": WEBSOCKET},
        {"answer": {"set-cookie": "a=b"}}, {"whole": False},
        {"answer": {"content-length": str((1 << 20) + 1)}}, {"body": bytes((1 << 20) + 1), "pieces": 20},
    ],
)  # fmt: skip
def test_what_is_never_kept(more: dict[str, Any]) -> None:
    front = Front()
    assert not front.kept(**more)
    front.get()
    assert front.get() is not None
    if "answer" not in more and "whole" not in more and "body" not in more:
        assert front.get(**more) is None


def test_a_megabyte_is_kept() -> None:
    assert Front().kept(body=bytes(1 << 20), pieces=20)


def test_the_gateways_own_answers_are_not_kept() -> None:
    front = Front(responseExpression="#[true]", useHttpCacheHeaders=False)
    context = request("GET", "/a", {"host": "shop.example"})
    front.case.send(context)
    context.note(OWN_ANSWER, True)
    front.respond(context, status=502)
    assert front.get() is None


# Credentials


@pytest.mark.parametrize("more", [{"headers": {"authorization": "Bearer a"}}, {"principal": b"ada"}])
def test_the_answer_to_a_caller_with_credentials_is_kept_only_where_it_says_so(more: dict[str, Any]) -> None:
    for control in ("", "max-age=60", "private, public", "no-cache"):
        assert not Front().kept(answer={"cache-control": control} if control else {}, **more)
    for control in ("public", "s-maxage=60", "must-revalidate, max-age=60"):
        assert Front().kept(answer={"cache-control": control}, **more)
    assert not Front(useHttpCacheHeaders=False).kept(**more)


def test_a_key_that_says_for_whom_it_is_lets_it_be_kept() -> None:
    front = Front(httpCachingKey="#[attributes.requestPath ++ attributes.headers['authorization']]")
    assert front.kept(headers={"authorization": "Bearer a"})
    assert front.get(headers={"authorization": "Bearer b"}) is None


# Cache headers


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({}, 600), ({"cache-control": "max-age=60"}, 60), ({"cache-control": "max-age=6000"}, 600),
        ({"cache-control": "max-age=60, s-maxage=30"}, 30), ({"cache-control": "s-maxage=60, max-age=30"}, 60),
        ({"cache-control": 'MAX-AGE="60"'}, 60), ({"cache-control": "max-age=60, max-age=20"}, 20),
        ({"cache-control": "max-age=60", "age": "20"}, 40),
        ({"expires": "Thu, 01 Jan 1970 00:17:40 GMT"}, 60),
        ({"expires": "Thu, 01 Jan 1970 00:17:40 GMT", "date": "Thu, 01 Jan 1970 00:17:10 GMT"}, 30),
        ({"expires": "Thu, 01 Jan 1970 00:17:40 GMT", "cache-control": "max-age=10"}, 10),
        ({"cache-control": "public"}, 600),
    ],
)  # fmt: skip
def test_how_long_an_answer_is_kept(answer: dict[str, str], seconds: int) -> None:
    front = Front()
    front.get(answer=answer)
    front.case.clock.advance(seconds - 0.1)
    assert front.get() is not None
    front.case.clock.advance(0.2)
    assert front.get() is None


@pytest.mark.parametrize(
    "answer",
    [
        {"cache-control": "no-store"}, {"cache-control": "No-Cache"}, {"cache-control": "private"},
        {"cache-control": 'private="set-cookie"'}, {"cache-control": "max-age=0"}, {"cache-control": "max-age=-1"},
        {"cache-control": "max-age=x"}, {"cache-control": "max-age"}, {"expires": "0"}, {"expires": "-1"},
        {"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"cache-control": "max-age=60", "age": "60"},
        {"cache-control": "public, max-age=60, no-store"},
    ],
)  # fmt: skip
def test_answers_that_say_that_they_are_not_to_be_kept(answer: dict[str, str]) -> None:
    assert not Front().kept(answer=answer)
    assert Front(useHttpCacheHeaders=False).kept(answer=answer)


@pytest.mark.parametrize(
    "headers", [{"cache-control": "no-cache"}, {"pragma": "no-cache"}, {"cache-control": "max-age=0"}]
)
def test_a_caller_may_ask_for_a_new_answer_which_is_kept(headers: dict[str, str]) -> None:
    front = Front()
    front.get(body=b"old")
    front.case.clock.advance(1.5)
    assert front.get(headers=headers, body=b"new") is None
    found = front.get()
    assert found is not None
    assert found.body == b"new"
    assert Front(useHttpCacheHeaders=False).kept(headers=headers)


def test_a_caller_may_ask_that_its_answer_is_not_kept() -> None:
    front = Front()
    assert not front.kept(headers={"cache-control": "no-store"})
    front.get()
    assert front.get(headers={"cache-control": "no-store"}) is not None


def test_a_caller_may_ask_for_an_answer_that_is_not_old() -> None:
    front = Front()
    front.get()
    front.case.clock.advance(30)
    assert front.get(headers={"cache-control": "max-age=30"}) is not None
    assert front.get(headers={"cache-control": "max-age=29"}) is None


# Callers that have it


@pytest.mark.parametrize(
    ("headers", "unchanged"),
    [
        ({"if-none-match": '"1"'}, True), ({"if-none-match": 'W/"1"'}, True), ({"if-none-match": '"0", "1"'}, True),
        ({"if-none-match": "*"}, True), ({"if-none-match": '"2"'}, False), ({"if-none-match": "1"}, False),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:00:10 GMT"}, True),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:00:11 GMT"}, True),
        ({"if-modified-since": "Thu, 01 Jan 1970 00:00:09 GMT"}, False), ({"if-modified-since": "x"}, False),
        ({"if-none-match": '"2"', "if-modified-since": "Thu, 01 Jan 1970 00:00:11 GMT"}, False),
    ],
)  # fmt: skip
def test_a_caller_that_has_the_answer_is_told_so(headers: dict[str, str], unchanged: bool) -> None:
    front = Front()
    front.get(
        answer={
            "etag": '"1"',
            "last-modified": "Thu, 01 Jan 1970 00:00:10 GMT",
            "x-a": "1",
            "content-type": "text/plain",
        }
    )
    found = front.get(headers=headers)
    assert found is not None
    assert (found.status, found.body) == ((304, b"") if unchanged else (200, b"body"))
    names = {name for name, _ in found.headers}
    assert (b"x-a" in names) is not unchanged
    assert {b"etag", b"age", b"date"} <= names


# Forgetting


def test_one_key_and_all_of_its_variants_are_forgotten() -> None:
    front = Front(invalidationHeader="X-Cache")
    vary = {"vary": "accept-language"}
    for language in ("de", "en"):
        front.get(headers={"accept-language": language}, answer=vary)
    front.get("/other")
    assert front.get(headers={"x-cache": "invalidate", "accept-language": "de"}, answer=vary) is None
    assert front.contexts[-1].header(b"x-cache") is None
    assert front.get(headers={"accept-language": "de"}) is not None
    assert front.get(headers={"accept-language": "en"}, answer=vary) is None
    assert front.get("/other") is not None


def test_everything_is_forgotten() -> None:
    front = Front(invalidationHeader="x-cache")
    for path in ("/a", "/b"):
        front.get(path)
    assert front.get(headers={"x-cache": "INVALIDATE-ALL"}) is None
    assert front.get() is not None
    assert front.get("/b") is None


def test_requests_that_are_not_looked_up_can_make_it_forget_too() -> None:
    front = Front(invalidationHeader="x-cache")
    front.get()
    front.get(method="POST", headers={"x-cache": "invalidate-all"}, sent=b"x")
    assert front.get() is None


@pytest.mark.parametrize(("name", "value"), [("x-cache", "yes"), ("x-other", "invalidate")])
def test_other_values_and_headers_make_it_forget_nothing(name: str, value: str) -> None:
    front = Front(invalidationHeader="x-cache")
    front.get()
    assert front.get(headers={name: value}) is not None
    front = Front()
    front.get()
    assert front.get(headers={"": "invalidate", "x-cache": "invalidate"}) is not None


@pytest.mark.parametrize(
    "config",
    [
        {"ttl": 0}, {"maxCacheEntries": 0}, {"httpCachingKey": ""}, {"httpCachingKey": "#[payload.a]"},
        {"httpCachingKey": "/plain"}, {"requestExpression": "#[attributes.statusCode == 200]"},
        {"responseExpression": "#['a']"}, {"requestExpression": ""}, {"invalidationHeader": "x cache"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigFault):
        policy_case(NAME, config)
