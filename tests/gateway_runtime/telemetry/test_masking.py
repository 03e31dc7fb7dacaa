"""What of a request may be shown."""

from typing import Any

import pytest

from gateway_runtime.policies.registry import all_definitions
from gateway_runtime.schema.document import ApiInstance, PolicyBinding
from gateway_runtime.schema.policy import PolicyDefinition
from gateway_runtime.schema.trace import MASK
from gateway_runtime.telemetry.masking import MOST_FIELDS, Mask, mask_of


def mask(policy: str = "", config: dict[str, Any] | None = None) -> Mask:
    bindings = [PolicyBinding(id="1", policy=policy, order=1, config=config or {})] if policy else []
    return mask_of(ApiInstance(id="a", name="a", listener="l", base_path="", policies=bindings))


def shown(name: bytes, value: bytes, by: Mask | None = None) -> str:
    return (by or mask()).fields([(name, value)])[0][1]


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "proxy-authorization", "x-auth", "cookie", "set-cookie", "x-api-key", "apikey", "api_key",
        "client_secret", "x-auth-token", "x-amz-security-token", "x-csrf-token", "x-session-id", "password", "code",
        "access_token", "sig", "x-signature", "key", "X-Key", "x-user", "jwt", "client_assertion", "x-private-note",
        "email", "www-authenticate", "x-authority",
    ],
)  # fmt: skip
def test_what_sounds_like_a_secret_is_masked(name: str) -> None:
    assert shown(name.encode(), b"value") == MASK


@pytest.mark.parametrize(
    "name",
    [
        "accept",
        "content-type",
        "user-agent",
        "x-author",
        "authors",
        "x-author-name",
        "x-tenant",
        "page",
        "traceparent",
        "host",
        "keyboard",
    ],
)
def test_what_does_not_is_shown(name: str) -> None:
    assert shown(name.encode(), b"value") == "value"


@pytest.mark.parametrize("value", [b"Bearer abc", b"basic YWRh", b"eyJhbGciOiJIUzI1NiJ9.e30.x", b"a eyJhbGciOiJI.b"])
def test_what_looks_like_a_credential_is_masked_whatever_it_is_called(value: bytes) -> None:
    assert shown(b"x-note", value) == MASK


def test_a_referer_keeps_its_path_alone() -> None:
    assert shown(b"referer", b"https://shop.example/a?ticket=1") == "https://shop.example/a"


def test_headers_that_security_policies_read_are_masked() -> None:
    by = mask("client-id-enforcement", {
        "credentialsOrigin": "customExpression",
        "clientIdExpression": "#[attributes.headers['x-caller']]",
        "clientSecretExpression": "#[attributes.queryParams.proof]",
    })  # fmt: skip
    assert shown(b"x-caller", b"a", by) == MASK
    assert by.query(b"proof=b&page=2") == [("proof", MASK), ("page", "2")]


@pytest.mark.parametrize("policy", all_definitions(), ids=lambda d: d.name)
def test_no_secret_of_a_policy_is_ever_shown(policy: PolicyDefinition) -> None:
    by = mask(policy.name, policy.example)
    for name in policy.secret_settings():
        secret = policy.example.get(name)
        if isinstance(secret, str) and len(secret) >= 4:
            assert policy.name in by.writers
            assert shown(b"x-note", b"before " + secret.encode() + b" after", by) == MASK
            assert secret not in by.path(b"/a/" + secret.encode())
            assert by.query(b"note=" + secret.encode()) == [("note", MASK)]


def test_everything_has_an_end() -> None:
    many = mask().fields((b"x-%d" % number, b"v" * 10_000) for number in range(1_000))
    assert len(many) == MOST_FIELDS
    assert max(len(value) for _, value in many) < 300
    assert len(mask().path(b"/" + b"a" * 10_000)) < 600


def test_bytes_that_are_no_text_can_be_shown() -> None:
    assert shown(b"x-a", b"\xff\x00") == "\ufffd\ufffd"
