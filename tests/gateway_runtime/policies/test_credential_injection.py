"""Credentials of the gateway's own on the way to the backend."""

from typing import Any

import pytest

from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import policy_case, request

BASIC, KEY = "credential-injection-basic-auth", "credential-injection-api-key"
ADA = {"username": "ada", "password": "sésame:1"}
ENCODED = "Basic YWRhOnPDqXNhbWU6MQ=="
CLIENT = {"authType": "clientCredentials", "clientId": "shop", "clientSecret": "hush"}


@pytest.mark.parametrize(
    ("name", "config", "sent", "expected"),
    [
        (BASIC, ADA, {}, {"authorization": ENCODED}),
        (BASIC, ADA, {"authorization": "Bearer x", "a": "1"}, {"a": "1", "authorization": ENCODED}),
        (BASIC, {**ADA, "overwrite": False}, {"authorization": "Bearer x"}, {"authorization": "Bearer x"}),
        (BASIC, {**ADA, "overwrite": False}, {}, {"authorization": ENCODED}),
        (BASIC, {**ADA, "customHeader": "X-Auth"}, {"authorization": "b"}, {"authorization": "b", "x-auth": ENCODED}),
        (BASIC, {**ADA, "customHeader": "X-Auth"}, {"x-auth": "b"}, {"x-auth": ENCODED}),
        (BASIC, {"username": "ada"}, {}, {"authorization": "Basic YWRhOg=="}),
        (KEY, {"apiKey": "k"}, {"authorization": "b"}, {"authorization": "k"}),
        (KEY, {"apiKey": "k", "customHeader": "X-Key"}, {}, {"x-key": "k"}),
        (KEY, {"apiKey": "k", "overwrite": False}, {"authorization": "b"}, {"authorization": "b"}),
        (KEY, CLIENT, {"client_id": "evil"}, {"client_id": "shop", "client_secret": "hush"}),
        (KEY, CLIENT, {"client-id": "evil"}, {"client_id": "shop", "client_secret": "hush"}),
        (KEY, {**CLIENT, "overwrite": False}, {"client-id": "a"}, {"client-id": "a", "client_secret": "hush"}),
        (KEY, {**CLIENT, "customClientIdHeader": "X-Id"}, {}, {"x-id": "shop", "client_secret": "hush"}),
        (KEY, {**CLIENT, "customClientSecretHeader": "X-S"}, {}, {"client_id": "shop", "x-s": "hush"}),
        (KEY, {**CLIENT, "overwrite": False}, {"client_id": "own"}, {"client_id": "own", "client_secret": "hush"}),
    ],
)
def test_the_backend_gets_the_gateways_credentials(
    name: str, config: dict[str, Any], sent: dict[str, str], expected: dict[str, str]
) -> None:
    case = policy_case(name, config)
    for _ in range(2):
        context = request(headers=sent)
        assert case.send(context) is None
        assert {k.decode(): v.decode() for k, v in context.headers} == expected
        assert len(context.headers) == len(expected)


def test_every_value_of_the_callers_header_goes() -> None:
    context = request(headers=[("x-key", "1"), ("x-key", "2")])
    assert policy_case(KEY, {"apiKey": "k", "customHeader": "x-key"}).send(context) is None
    assert context.headers == [(b"x-key", b"k")]


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        (BASIC, {}, "Give a user name, a password or both"),
        (BASIC, {"username": "a:b", "password": "x"}, "cannot contain a colon"),
        (BASIC, {**ADA, "customHeader": "Host"}, "sets “Host” itself"),
        (BASIC, {**ADA, "customHeader": "x a"}, "is not the name of a header"),
        (KEY, {}, "Give the apiKey"),
        (KEY, {"apiKey": "secret\r\nx: y"}, "The API key cannot contain line breaks"),
        (KEY, {**CLIENT, "clientSecret": ""}, "Give clientId and clientSecret"),
        (KEY, {**CLIENT, "clientSecret": "a\0"}, "The client secret cannot contain"),
        (KEY, {**CLIENT, "customClientIdHeader": "CLIENT_SECRET"}, "need a header each"),
        (KEY, {"apiKey": "k", "customHeader": "content-length"}, "itself"),
        (KEY, {"authType": "oauth"}, "Invalid enum value"),
    ],
)
def test_unusable_settings_are_refused(name: str, config: dict, words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(name, config)
    assert words in caught.value.message
    assert "secret\r\n" not in caught.value.message


def test_secrets_are_marked() -> None:
    assert policy_case(BASIC).definition.secret_settings() == ("password",)
    assert policy_case(KEY).definition.secret_settings() == ("apiKey", "clientSecret")
