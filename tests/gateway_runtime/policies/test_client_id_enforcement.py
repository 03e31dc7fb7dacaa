from base64 import b64encode
from hashlib import sha256

import pytest

from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import PolicyCase, policy_case, request

NAME = "client-id-enforcement"


def consumer(id: str, *secrets: str) -> Consumer:
    digests = [sha256(secret.encode()).hexdigest() for secret in secrets]
    return Consumer(id=id, name=f"{id} app", client_id=f"{id}-id", secrets=digests)


SHOP = consumer("shop", "old-secret", "new-secret")
STRANGER = consumer("stranger", "secret")


def case(**config: object) -> PolicyCase:
    return policy_case(NAME, config, consumers=[SHOP], strangers=[STRANGER])


@pytest.mark.parametrize("secret", ["old-secret", "new-secret"])
def test_any_secret_of_an_application_with_a_contract_passes(secret: str) -> None:
    context = request(headers={"client_id": "shop-id", "client_secret": secret, "accept": "*/*"})
    assert case().send(context) is None
    assert (context.application, context.application_name, context.principal) == ("shop", "shop app", b"shop-id")


def test_the_secret_does_not_go_upstream() -> None:
    context = request(headers={"client_id": "shop-id", "client_secret": "new-secret"})
    case().send(context)
    assert context.headers == [(b"client_id", b"shop-id")]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "client_id_missing"),
        ([("client_id", "shop-id"), ("client_id", "x")], 401, "client_id_missing"),
        ({"client_id": "", "client_secret": "new-secret"}, 401, "client_credentials_invalid"),
        ({"client_id": "nobody", "client_secret": "new-secret"}, 401, "client_credentials_invalid"),
        ({"client_id": "shop-id"}, 401, "client_credentials_invalid"),
        ({"client_id": "shop-id", "client_secret": "wrong"}, 401, "client_credentials_invalid"),
        (
            [("client_id", "shop-id"), ("client_secret", "new-secret"), ("client_secret", "x")],
            401,
            "client_credentials_invalid",
        ),
        ({"client_id": "stranger-id", "client_secret": "secret"}, 403, "no_contract"),
        ({"client_id": "stranger-id", "client_secret": "wrong"}, 401, "client_credentials_invalid"),
    ],
)
def test_refusals(headers: dict[str, str], status: int, code: str) -> None:
    context = request(headers=headers)
    refused = case().send(context)
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (status, code, NAME)
    assert context.application == ""
    if status == 401:
        assert refused.headers == ((b"www-authenticate", b"Client-ID-Enforcement"),)


def test_without_secrets_the_client_id_is_enough() -> None:
    assert case(secretRequired=False).send(request(headers={"client_id": "shop-id"})) is None


def test_application_without_any_secret_is_refused_while_secrets_are_required() -> None:
    bare = policy_case(NAME, {}, consumers=[consumer("bare")])
    refused = bare.send(request(headers={"client_id": "bare-id", "client_secret": ""}))
    assert refused is not None
    assert refused.code == "client_credentials_invalid"


def test_headers_can_be_chosen() -> None:
    chosen = case(
        clientIdExpression="#[attributes.headers['x-app']]", clientSecretExpression='#[attributes.headers["x-app-key"]]'
    )
    context = request(headers={"x-app": "shop-id", "x-app-key": "new-secret", "x_app": "other"})
    assert chosen.send(context) is None
    assert context.headers == [(b"x-app", b"shop-id")]


QUERY = {
    "clientIdExpression": "#[attributes.queryParams['client_id']]",
    "clientSecretExpression": "#[attributes.queryParams.client_secret]",
}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/?client_id=shop-id&client_secret=new-secret", None),
        ("/?client_id=shop%2Did&client_secret=new%2Dsecret", None),
        ("/?client_id=shop-id", "client_credentials_invalid"),
        ("/?client_id=shop-id&client_secret=new-secre", "client_credentials_invalid"),
        ("/?client_secret=new-secret", "client_id_missing"),
        ("/", "client_id_missing"),
        ("/?client_id=stranger-id&client_secret=secret", "no_contract"),
    ],
)
def test_credentials_in_the_query(path: str, code: str | None) -> None:
    refused = case(**QUERY).send(request("GET", path))
    assert (refused.code if refused else None) == code


def test_any_other_expression_can_say_where_the_client_id_is() -> None:
    policy = case(clientIdExpression="#[lower(attributes.headers['x-app'] default 'nobody')]", secretRequired=False)
    assert policy.send(request(headers={"x-app": "SHOP-ID"})) is None
    refused = policy.send(request())
    assert refused is not None
    assert refused.code == "client_credentials_invalid"


def test_an_expression_that_fails_lets_nobody_in() -> None:
    policy = case(clientIdExpression="#[fromBase64(attributes.headers['x-app'])]", secretRequired=False)
    refused = policy.send(request(headers={"x-app": "%"}))
    assert refused is not None
    assert (refused.status, refused.code) == (401, "client_id_missing")


def test_without_an_expression_for_the_secret_the_client_id_is_enough() -> None:
    context = request(headers={"client_id": "shop-id", "client_secret": "anything"})
    assert case(clientSecretExpression=None).send(context) is None


BASIC = {"credentialsOriginHasHttpBasicAuthenticationHeader": "httpBasicAuthenticationHeader"}


def basic(credentials: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(credentials.encode()).decode()}


def test_basic_credentials_pass_and_are_stripped() -> None:
    context = request(headers=basic("shop-id:new-secret"))
    assert case(**BASIC).send(context) is None
    assert context.application == "shop"
    assert context.headers == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "client_id_missing"),
        ({"authorization": "Bearer x"}, "client_id_missing"),
        ({"authorization": "Basic ???"}, "client_credentials_invalid"),
        (basic("shop-id"), "client_credentials_invalid"),
        (basic("shop-id:wrong"), "client_credentials_invalid"),
        ({"client_id": "shop-id", "client_secret": "new-secret"}, "client_id_missing"),
    ],
)
def test_basic_refusals_carry_a_basic_challenge(headers: dict[str, str], code: str) -> None:
    refused = case(**BASIC).send(request(headers=headers))
    assert refused is not None
    assert (refused.status, refused.code) == (401, code)
    assert refused.headers == ((b"www-authenticate", b'Basic realm="mule-realm"'),)


def test_a_header_that_could_pose_as_the_client_id_is_taken_away() -> None:
    context = request(headers={"client_id": "shop-id", "client-id": "other", "client_secret": "new-secret"})
    assert case().send(context) is None
    assert context.headers == [(b"client_id", b"shop-id")]


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ConfigFault) as caught:
        case(clientIdExpression="client_id")
    assert caught.value.path == "clientIdExpression"


# Row D16 of the list of attacks: what is nearly a credential is none.
@pytest.mark.parametrize(
    "near", ["new-secre", "new-secrett", "NEW-SECRET", "new-secret ", "new-secret\0", "new-secret,x"]
)
def test_nearly_a_secret_is_none(near: str) -> None:
    for headers, config in (
        ({"client_id": "shop-id", "client_secret": near}, {}),
        (basic(f"shop-id:{near}"), BASIC),
    ):
        refused = case(**config).send(request(headers=headers))
        assert refused is not None
        assert (refused.status, refused.code) == (401, "client_credentials_invalid")


@pytest.mark.parametrize("near", ["shop-i", "Shop-id", "shop-id ", " shop-id", "shop-id\0", "shop-id,shop-id", "shop"])
def test_nearly_a_client_id_is_none(near: str) -> None:
    refused = case(secretRequired=False).send(request(headers={"client_id": near}))
    assert refused is not None
    assert (refused.status, refused.code) == (401, "client_credentials_invalid")


def test_the_secret_of_another_application_is_of_no_use() -> None:
    refused = case().send(request(headers={"client_id": "shop-id", "client_secret": "secret"}))
    assert refused is not None
    assert refused.code == "client_credentials_invalid"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"clientIdExpression": "#[attributes.headers['app_id']]"}, "use “app-id”"),
        (
            {
                "clientIdExpression": "#[attributes.headers['x-app']]",
                "clientSecretExpression": "#[ attributes.headers['x-app'] ]",
            },
            "a header each",
        ),
        ({"clientSecretExpression": " #[attributes.headers['client_id']]"}, "a place each"),
    ],
)
def test_headers_that_cannot_work_are_refused(config: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        case(**config)
    assert words in caught.value.message


def test_credentials_may_be_in_the_body() -> None:
    where = {"clientIdExpression": "#[payload.client_id]", "clientSecretExpression": "#[payload.client_secret]"}
    policy = case(**where)
    for kind, body in (
        ("application/json", b'{"client_id": "shop-id", "client_secret": "new-secret"}'),
        ("application/x-www-form-urlencoded", b"client_id=shop-id&client_secret=new-secret"),
    ):
        context = request("POST", headers={"content-type": kind}, body=body)
        assert policy.send(context) is None
        assert (context.application, context.body) == ("shop", body)
    for body in (b"", b"{", b'{"client_id": "shop-id"}', b'{"client_id": ["shop-id"]}'):
        refused = policy.send(request("POST", headers={"content-type": "application/json"}, body=body))
        assert refused is not None
        assert refused.status == 401


def test_a_body_is_read_where_a_credential_is_looked_for_in_it_only() -> None:
    unread = request("POST", headers={"client_id": "shop-id", "client_secret": "new-secret"}, body=b"x")
    assert case().send(unread) is None
    assert unread.body is None
    without_secret = case(clientSecretExpression="#[payload.secret]", secretRequired=False)
    unread = request("POST", headers={"client_id": "shop-id"}, body=b"x")
    assert without_secret.send(unread) is None
    assert unread.body is None
