"""What of a request may be shown."""

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        "email", "www-authenticate", "x-authority", "pass", "passphrase", "x-passcode", "accessKey", "access-key-2",
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


@pytest.mark.parametrize("name", [b"referer", b"location", b"content-location"])
@pytest.mark.parametrize("rest", [b"?ticket=1", b"#ticket=1", b"?code=1#state=2"])
def test_an_address_in_a_header_keeps_its_path_alone(name: bytes, rest: bytes) -> None:
    assert shown(name, b"https://shop.example/a" + rest) == "https://shop.example/a"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-original-url", b"/a?page=1&access_token=hush"),
        (b"link", b"<https://shop.example/a?api_key=hush>; rel=next"),
        (b"refresh", b"0; url=/a?token=hush"),
        (b"note", b"1;token=hush"),
        (b"next", b"%2Fa%3Fcode%3Dhush"),
        (b"next", b"%252Fa%253Fcode%253Dhush"),
        (b"note", b"bearer%20hush"),
        (b"note", b"bearer+hush"),
        (b"referer", b"https://ada:hush@shop.example/a"),
    ],
)
def test_a_secret_inside_of_a_value_is_masked_with_it(name: bytes, value: bytes) -> None:
    assert shown(name, value) == MASK


def test_a_value_with_parameters_that_are_no_secrets_is_shown() -> None:
    for value in (b"text/html; q=0.9, charset=utf-8", b"/a?page=1&order=up", b"max-age=60", b"100%", b"a%zz"):
        assert shown(b"x-note", value) == value.decode()


SECRET = "hush-hush"
secret_names = st.sampled_from(["access_token", "api-key", "password", "code", "client_secret", "X-Session-Id", "sig"])


@st.composite
def spelled(draw: st.DrawFn, names: st.SearchStrategy[str]) -> str:
    """Return a name as some client may write it: in any case, with any of its letters encoded."""
    return "".join(
        draw(st.sampled_from([letter, letter.upper(), f"%{ord(letter):02x}", f"%{ord(letter):02X}"]))
        for letter in draw(names)
    )


@given(spelled(secret_names), st.lists(st.sampled_from(["page=2", "a", "", "q=1;x"]), max_size=3), st.booleans())
def test_no_secret_of_a_query_is_shown_however_its_name_is_spelled(name: str, others: list[str], first: bool) -> None:
    pair = f"{name}={SECRET}"
    query = "&".join([pair, *others] if first else [*others, pair])
    assert SECRET not in str(mask().query(query.encode()))
    for header in (b"location", b"referer", b"x-rewrite-url"):
        assert SECRET not in shown(header, b"https://shop.example/a?" + query.encode())


def test_a_secret_setting_is_masked_when_it_is_encoded_too() -> None:
    by = Mask(values=[b"s3 cr&t"])
    assert by.query(b"note=s3%20cr%26t&other=s3+cr%26t") == [("note", MASK), ("other", MASK)]


def test_a_name_that_a_policy_reads_is_known_when_it_is_encoded_too() -> None:
    assert Mask(names=[b"proof"]).query(b"pr%6Fof=b") == [("pr%6Fof", MASK)]
    assert shown(b"x-note", b"/a?page=1&proof=b", Mask(names=[b"proof"])) == MASK


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


@pytest.mark.parametrize("part", [b"eyJ", b"a", b"=", b"a<=", b"://", b"%25", b"Bearer ", b"a=", b"code"])
def test_a_long_value_takes_no_longer_than_its_length_says(part: bytes) -> None:
    begin = process_time()
    shown(b"x-note", part * (60_000 // len(part)) + b"<=")
    # Where each part is compared with all behind it, this takes many seconds.
    assert process_time() - begin < 1


def test_bytes_that_are_no_text_can_be_shown() -> None:
    assert shown(b"x-a", b"\xff\x00") == "\ufffd\ufffd"
