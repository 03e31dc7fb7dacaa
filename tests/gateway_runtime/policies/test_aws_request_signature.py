"""Signatures of AWS: its published examples, its own signer, and what a service gets."""

import hashlib
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.policies.aws_signature import EMPTY, UNSIGNED, Credentials, Signer, canonical_query
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import SentRequest, policy_case, request

from .aws import faults, seconds

NAME = "aws-request-signature"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CONFIG: dict[str, Any] = {
    "region": "us-east-1", "service": "service", "accessKeyId": "AKIDEXAMPLE", "secretAccessKey": SECRET,
}  # fmt: skip
HOST = b"example.amazonaws.com"
SUITE = Signer(Credentials("us-east-1", "service", "AKIDEXAMPLE", SECRET, ""))
SUITE_TIME = seconds("20150830T123600Z")


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "signature"),
    [
        ("GET", "/", "", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET", "/", "Param2=value2&Param1=value1", [],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", [],
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
        # The suite has the letter itself in the request line, which HTTP does not allow.
        ("GET", "/\u1234", "", [], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "GET", "/", "", [("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            "POST", "/", "", [("my-header1", "value1")],
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
    ],
)  # fmt: skip
def test_examples_of_the_published_suite(method: str, path: str, query: str, headers: Any, signature: str) -> None:
    signed = [(b"host", HOST), *((name.encode(), value.encode()) for name, value in headers)]
    found = SUITE.sign(method.encode(), path.encode(), query.encode(), signed, EMPTY, SUITE_TIME)
    names = ";".join(sorted({"host", "x-amz-date", *(name for name, _ in headers)}))
    assert found == [
        (b"x-amz-date", b"20150830T123600Z"),
        (
            b"authorization",
            b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            + f"SignedHeaders={names}, Signature={signature}".encode(),
        ),
    ]


def test_the_published_example_of_s3() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    signer = Signer(Credentials("us-east-1", "s3", "AKIAIOSFODNN7EXAMPLE", secret, ""))
    headers = [(b"host", b"examplebucket.s3.amazonaws.com"), (b"range", b"bytes=0-9")]
    found = dict(signer.sign(b"GET", b"/test.txt", b"", headers, EMPTY, seconds("20130524T000000Z")))
    assert found[b"authorization"].endswith(b"=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    assert found[b"x-amz-content-sha256"] == EMPTY.encode()


def sent(context: SentRequest, host: bytes = HOST, **more: Any) -> SentRequest:
    """Return a request as it is sent to a target."""
    case = policy_case(NAME, {**CONFIG, **more})
    case.clock.now = SUITE_TIME
    assert case.send(context) is None
    assert context.when_sent is not None
    for call in context.when_sent:
        call(host)
    return context


def wrong(context: SentRequest, host: bytes = HOST, **more: Any) -> list[str]:
    """Return what AWS finds wrong with a request."""
    sent(context, host, **more)
    target = context.forward_path + (b"?" + context.query if context.query else b"")
    headers = [("host", host.decode()), *((name.decode(), value.decode("latin-1")) for name, value in context.headers)]
    body = context.body if context.body is not None else context.sent
    return faults(
        context.method.decode(), target.decode(), headers, body, secret=SECRET, token=more.get("sessionToken", "")
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"service": "s3"},
        {"service": "s3", "payload": "unsigned"},
        {"payload": "unsigned"},
        {"sessionToken": "temporary/token+=="},
        {"service": "execute-api", "region": "eu-central-1"},
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda: request(),
        lambda: request(path="/a/b.txt?x=1&y=2"),
        lambda: request(path="/a?b&a=&c=%2F&a=1"),
        lambda: request(path="/with%20space/%C3%A9"),
        lambda: request("PUT", "/a", body=b"hello", headers={"content-type": "text/plain"}),
        lambda: request("DELETE", "/a", headers={"range": "bytes=0-9", "content-md5": "abc"}),
        lambda: request(headers=[("x-amz-acl", "private"), ("x-amz-meta-a", " a   b "), ("x-amz-meta-a", "c")]),
        lambda: request(headers={"authorization": "Bearer mine", "x-amz-date": "x", "x-amz-security-token": "theirs"}),
        lambda: request(headers={"accept": "*/*", "user-agent": "curl", "x-other": "1", "cookie": "a=b"}),
    ],
)
def test_the_signer_of_aws_agrees(make: Any, more: dict[str, Any]) -> None:
    assert wrong(make(), **more) == []


escaped = st.text(min_size=1, max_size=12).map(lambda text: quote(text, safe="-._~"))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(escaped, max_size=4),
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5),
    st.sampled_from(["s3", "service"]),
    st.binary(max_size=40),
)
def test_the_signer_of_aws_agrees_on_whatever_is_escaped(
    parts: list[str], query: list[tuple[str, str]], service: str, body: bytes
) -> None:
    escaped_query = urlencode(query, quote_via=quote, safe="-._~")
    path = "/" + "/".join(part for part in parts if part not in (".", ".."))
    context = request("POST", path, body=body)
    context.query = escaped_query.encode()
    assert wrong(context, service=service) == []


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"b=2&a=1", b"a=1&b=2"),
        (b"a=2&a=1", b"a=1&a=2"),
        (b"a", b"a="),
        (b"a=b=c", b"a=b%3Dc"),
        (b"a=b+c", b"a=b%20c"),
        (b"a=b%2Bc", b"a=b%2Bc"),
        (b"a=%7e%41", b"a=~A"),
        (b"a=(b)*'", b"a=%28b%29%2A%27"),
        (b"&a=1&&", b"a=1"),
        (b"A=1&a=1&B=1", b"A=1&B=1&a=1"),
        (b"a=%2f", b"a=%2F"),
        (b"", b""),
    ],
)
def test_a_query_is_read_as_services_read_it(query: bytes, canonical: bytes) -> None:
    assert canonical_query(query) == canonical


@pytest.mark.parametrize(
    ("service", "path", "canonical"),
    [
        ("s3", b"/a%20b", b"/a%20b"),
        ("s3", b"/a(b)", b"/a%28b%29"),
        ("s3", b"/a%2fb", b"/a%2Fb"),
        ("s3", b"/a//b", b"/a//b"),
        ("service", b"/a%20b", b"/a%2520b"),
        ("service", b"/a(b)", b"/a%28b%29"),
    ],
)
def test_a_path_is_escaped_as_the_service_does(service: str, path: bytes, canonical: bytes) -> None:
    assert Signer(Credentials("r", service, "k", "s", "")).canonical_path(path) == canonical


def test_what_a_caller_says_of_a_signature_goes() -> None:
    theirs = {
        "authorization": "Bearer mine", "x-amz-date": "1", "x-amz-content-sha256": "2", "x-amz-security-token": "3",
    }  # fmt: skip
    context = sent(request(headers={**theirs, "accept": "*/*"}))
    assert [name for name, _ in context.headers] == [b"accept", b"x-amz-date", b"authorization"]
    assert not set(theirs.values()) & {value.decode() for _, value in context.headers}


def test_changes_of_later_policies_are_signed_too() -> None:
    case = policy_case(NAME, {**CONFIG, "service": "s3"})
    context = request("PUT", "/a", body=b"first")
    assert case.send(context) is None
    context.body = b"second"
    context.headers.append((b"x-amz-acl", b"private"))
    assert context.when_sent is not None
    context.when_sent[0](HOST)
    assert context.header(b"x-amz-content-sha256") == hashlib.sha256(b"second").hexdigest().encode()
    assert b";x-amz-acl;" in (context.header(b"authorization") or b"")


def test_another_target_gets_another_signature() -> None:
    case = policy_case(NAME, CONFIG)
    context = request()
    case.send(context)
    assert context.when_sent is not None
    signatures = set()
    for host in (b"a.example", b"b.example:8443", b"a.example"):
        context.when_sent[0](host)
        assert len([name for name, _ in context.headers if name == b"authorization"]) == 1
        signatures.add(context.header(b"authorization"))
    assert len(signatures) == 2


def test_a_day_has_a_key_of_its_own() -> None:
    first = SUITE.sign(b"GET", b"/", b"", [(b"host", HOST)], EMPTY, SUITE_TIME)
    other = SUITE.sign(b"GET", b"/", b"", [(b"host", HOST)], EMPTY, SUITE_TIME + 86_400)
    assert first[1] != other[1]
    assert SUITE.sign(b"GET", b"/", b"", [(b"host", HOST)], EMPTY, SUITE_TIME) == first


@pytest.mark.parametrize(("payload", "waits"), [("signed", True), ("unsigned", False)])
def test_a_body_is_read_only_where_it_is_signed(payload: str, waits: bool) -> None:
    case = policy_case(NAME, {**CONFIG, "service": "s3", "payload": payload})
    context = request("PUT", body=b"hello")
    assert (case.chain.run_request(context) is not None) is waits
    assert case.chain.run_request(request("PUT")) is None
    digest = sent(request("PUT", body=b"hello"), service="s3", payload=payload).header(b"x-amz-content-sha256")
    assert digest == (hashlib.sha256(b"hello").hexdigest() if waits else UNSIGNED).encode()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": ""}, "region"),
        ({"region": "eu central"}, "region"),
        ({"service": "s3/x"}, "service"),
        ({"accessKeyId": "A/B"}, "accessKeyId"),
        ({"accessKeyId": ""}, "accessKeyId"),
        ({"secretAccessKey": ""}, "secretAccessKey"),
        ({"secretAccessKey": "a\nb"}, "cannot contain line breaks"),
        ({"sessionToken": "a\r\nx: y"}, "cannot contain line breaks"),
        ({"sessionToken": "ä"}, "no header can carry"),
        ({"payload": "streamed"}, "Invalid enum value"),
    ],
)
def test_unusable_settings_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {**CONFIG, **more})
    assert words in f"{caught.value.path} {caught.value.message}"


def test_secrets_are_secret_and_it_is_no_policy_for_the_shadow() -> None:
    definition = policy_case(NAME).definition
    assert definition.secret_settings() == ("secretAccessKey", "sessionToken")
    assert not definition.can_shadow
