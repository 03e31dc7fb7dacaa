"""Requests that are signed with a shared secret, and the many that are nearly."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.policies.hmac_signature import DEFINITION
from gateway_runtime.schema.document import Consumer
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.state.pipe import UNKNOWN
from gateway_runtime.testing import FakeClock, PolicyCase, SentRequest, policy_case, request

from .signatures import SHOP, STOCK, USUAL, digest, signed

NAME = "hmac-signature"
CONFIG: dict[str, Any] = {"keys": f"shop:{SHOP} stock:{STOCK}", "replayProtection": False}
NOW = 1000  # what the clock says at first
TARGET = "/orders?dry=1"
HOST = {"host": "api.example"}
BODY = b'{"hello": "world"}'
WITH_BODY = (*USUAL, "content-digest")


def code(context: SentRequest, **settings: Any) -> str:
    refused = asyncio.run(policy_case(NAME, {**CONFIG, **settings}).ask(context))
    assert refused is None or refused.status in (401, 403, 503)
    return "" if refused is None else refused.code


def get(target: str = TARGET, method: str = "GET", **how: Any) -> SentRequest:
    return request(method, target, signed(method, target, HOST | how.pop("headers", {}), **how))


def post(body: bytes = BODY, said: bytes | None = None, components: tuple[str, ...] = WITH_BODY) -> SentRequest:
    """Return a request with a body; its digest is that of `said`."""
    headers = HOST | {"content-digest": digest(body if said is None else said)}
    return request("POST", TARGET, signed("POST", TARGET, headers, components=components), body=body)


def test_the_example_of_the_documentation() -> None:
    shown = DEFINITION.documentation.partition("POST /orders")[2].partition("```")[0].strip()
    head, _, body = shown.partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    clock = FakeClock(1618884473 + 200)
    case = policy_case(NAME, clock=clock)
    context = request("POST", TARGET, headers, body=body.encode())
    assert asyncio.run(case.ask(context)) is None
    assert context.principal == b"shop"


@pytest.mark.parametrize(
    "context",
    [
        get(),
        get("/"),
        get("/orders?"),
        get("/a%20b/c?d=%2F&e"),
        get(method="DELETE"),
        get(components=(*USUAL, "x-empty"), headers={"x-empty": ""}),
        get(components=(*USUAL, "accept"), headers={"accept": "a, b"}),
        get(components=("@authority", "@method", "@request-target")),
        get("/", components=("@authority", "@method", "@request-target")),
        get(created=NOW - 300),
        get(created=NOW + 300),
        get(expires=NOW + 1),
        get(alg="hmac-sha256"),
        get(nonce="b3k2pp5k7z", tag="my app"),
        get(key_id="stock", secret=STOCK),
        get(label="sig-b.2_5*"),
        get(headers={"host": "API.example"}),
        post(),
        post(b""),
        get(components=WITH_BODY, headers={"content-digest": digest(b"")}),
        get(components=WITH_BODY, headers={"content-digest": f"{digest(b'')}, md5=:AAAA:, {digest(b'', 'sha-512')}"}),
    ],
)
def test_whoever_has_the_secret_passes(context: SentRequest) -> None:
    assert code(context) == ""


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (request(headers=HOST), "hmac_missing"),
        (get(secret=STOCK), "hmac_invalid"),
        (get(secret=SHOP + "x"), "hmac_invalid"),
        (get(key_id="nobody"), "hmac_invalid"),
        (get(key_id="SHOP"), "hmac_invalid"),
        (get(key_id=""), "hmac_invalid"),
        (get(alg="hmac-sha512"), "hmac_algorithm"),
        (get(alg="rsa-pss-sha512"), "hmac_algorithm"),
        (get(alg="none"), "hmac_algorithm"),
        (get(alg=""), "hmac_algorithm"),
        (get(components=()), "hmac_components"),
        (get(components=USUAL[:-1]), "hmac_components"),
        (get(components=USUAL[1:]), "hmac_components"),
        (get(created=None), "hmac_clock"),
        (get(created=NOW - 301), "hmac_clock"),
        (get(created=NOW + 301), "hmac_clock"),
        (get(created=-5), "hmac_clock"),
        (get(expires=NOW), "hmac_clock"),
        (post(said=b"other"), "hmac_digest"),
        (post(b"other", said=b""), "hmac_digest"),
        (post(components=USUAL), "hmac_digest"),
        (get(components=WITH_BODY, headers={"content-digest": digest(BODY)}), "hmac_digest"),
        (get(components=WITH_BODY, headers={"content-digest": "md5=:AAAA:"}), "hmac_digest"),
    ],
)
def test_what_is_nearly_right_is_refused(context: SentRequest, expected: str) -> None:
    assert code(context) == expected


def test_a_refusal_says_what_has_to_be_covered() -> None:
    refused = policy_case(NAME, {**CONFIG, "components": "@method @path"}).send(request(headers=HOST))
    assert refused is not None
    wanted = b'sig1=("@method" "@path");created;keyid;alg="hmac-sha256"'
    assert refused.headers == ((b"accept-signature", wanted),)


AMOUNT = signed("GET", TARGET, HOST | {"x-amount": "1"}, components=(*USUAL, "x-amount"))


@pytest.mark.parametrize(
    ("method", "target", "change"),
    [
        *((method, TARGET, {}) for method in ("POST", "HEAD", "get")),
        *(
            ("GET", target, {})
            for target in (
                "/orders", "/orders?dry=2", "/orders?dry=1&a=b", "/orders/?dry=1", "/Orders?dry=1", "/orders?DRY=1",
                "/%6frders?dry=1", "/?dry=1", "/orders?", "/orders?dry=1&", "/orders%3Fdry=1", "/orders?dry=%31",
            )
        ),
        *(
            ("GET", TARGET, change)
            for change in (
                {"host": "other.example"}, {"host": "api.example:8080"}, {"x-amount": "2"}, {"x-amount": "1, 1"},
            )
        ),
    ],
)  # fmt: skip
def test_whatever_is_changed_on_the_way_is_refused(method: str, target: str, change: dict[str, str]) -> None:
    assert code(request("GET", TARGET, AMOUNT)) == ""
    assert code(request(method, target, AMOUNT | change)) == "hmac_invalid"


def test_a_header_that_is_added_to_a_signed_one_is_refused() -> None:
    headers = signed("GET", TARGET, HOST | {"x-amount": "1"}, components=(*USUAL, "x-amount"))
    assert code(request("GET", TARGET, [*headers.items(), ("x-amount", "2")])) == "hmac_invalid"
    assert code(request("GET", TARGET, [(name, value) for name, value in headers.items() if name != "x-amount"])) == (
        "hmac_unreadable"
    )


GOOD = signed("GET", TARGET, HOST)
INPUT, VALUE = GOOD["signature-input"], GOOD["signature"]
LIST = '("@method" "@authority" "@path" "@query")'


@pytest.mark.parametrize(
    ("told", "given"),
    [
        (INPUT, None),
        (None, VALUE),
        (INPUT, ""),
        ("", VALUE),
        (INPUT, VALUE.replace("sig1", "sig2")),
        (INPUT.replace("sig1", "Sig1"), VALUE.replace("sig1", "Sig1")),
        (f"{INPUT}, {INPUT.replace('sig1', 'sig2')}", f"{VALUE}, {VALUE.replace('sig1', 'sig2')}"),
        (INPUT, f"{VALUE}, {VALUE}"),
        (INPUT, VALUE.replace(":", "")),
        (INPUT, VALUE[:-1]),
        (INPUT, VALUE.replace("=:", "=", 1)),
        (INPUT, f'sig1="{VALUE}"'),
        (INPUT, VALUE + ";a=b"),
        (INPUT, "sig1=:ä:"),
        (INPUT, "sig1=:A:"),
        (INPUT.replace(" ", "  ", 1), VALUE),
        (INPUT.replace("(", "( "), VALUE),
        (INPUT.replace(" ", ", ", 1), VALUE),
        (INPUT.replace('"@method"', '"@method";req'), VALUE),
        (INPUT.replace('"@method"', '"@method" "@method"'), VALUE),
        (INPUT.replace('"@method"', "@method"), VALUE),
        (INPUT.replace('"@method"', '"@METHOD"'), VALUE),
        (INPUT.replace('"@method"', '"@unknown"'), VALUE),
        (INPUT.replace('"@method"', '"@signature-params"'), VALUE),
        (INPUT.replace('"@method"', '"x-not-there"'), VALUE),
        (INPUT.replace("(", "").replace(")", ""), VALUE),
        (INPUT.replace(";created", ";created=5;created"), VALUE),
        (INPUT.replace(";keyid", ';keyid="x";keyid'), VALUE),
        (INPUT.replace("created=1000", 'created="1000"'), VALUE),
        (INPUT.replace("created=1000", "created=1000.5"), VALUE),
        (INPUT.replace("created=1000", "created=1e3"), VALUE),
        (INPUT.replace("created=1000", "created"), VALUE),
        (INPUT.replace('"shop"', "shop"), VALUE),
        (INPUT.replace('"shop"', "7"), VALUE),
        (INPUT.replace('"shop"', '"sh\\"op"'), VALUE),
        (INPUT.replace('"shop"', '"shop'), VALUE),
        (INPUT + ";", VALUE),
        (INPUT + " ;a=1", VALUE),
        (INPUT + "x", VALUE),
        (f"sig1={LIST[:-1]}" + ' "a"' * 100 + ")", VALUE),
        ("sig1=" + "(" * 5000, VALUE),
        (INPUT + ';nonce="' + "x" * 5000 + '"', VALUE),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused(told: str | None, given: str | None) -> None:
    headers = HOST | {
        name: value for name, value in (("signature-input", told), ("signature", given)) if value is not None
    }
    assert code(request("GET", TARGET, headers)) == "hmac_unreadable"


@pytest.mark.parametrize("twice", ["signature", "signature-input"])
def test_a_signature_that_is_there_twice_is_refused(twice: str) -> None:
    assert code(request("GET", TARGET, [*GOOD.items(), (twice, GOOD[twice])])) == "hmac_unreadable"


@settings(max_examples=300, deadline=None)
@given(
    where=st.sampled_from(["signature", "signature-input"]),
    position=st.integers(0, 200),
    letter=st.sampled_from('abAB019+/=:;() "\\,-_\t\0\xff'),
    action=st.sampled_from("rid"),
)
def test_one_other_letter_is_refused(where: str, position: int, letter: str, action: str) -> None:
    text = GOOD[where]
    at = position % len(text)
    changed = text[:at] + ("" if action == "d" else letter) + text[at + (action != "i") :]
    # Space around a field is none of it.
    if changed.strip(" ") != text:
        assert code(request("GET", TARGET, GOOD | {where: changed})).startswith("hmac_")


@pytest.mark.parametrize(("needed", "expected"), [(True, "hmac_digest"), (False, "")])
def test_a_body_need_not_be_covered_where_that_is_wished(needed: bool, expected: str) -> None:
    assert code(post(components=USUAL), requireBodyDigest=needed) == expected
    assert code(post(said=b"other"), requireBodyDigest=needed) == "hmac_digest"


@pytest.mark.parametrize(("length", "reads"), [(18, True), (-1, True), (0, False)])
def test_a_body_is_read_only_where_there_is_one_to_check(length: int, reads: bool) -> None:
    context = post(BODY if length else b"")
    context.body_length = length
    assert (policy_case(NAME, CONFIG).chain.run_request(context) is not None) is reads


def test_a_secret_can_be_changed_without_an_interruption() -> None:
    both = f"shop:{SHOP} shop:{STOCK}"
    assert code(get(), keys=both) == code(get(secret=STOCK), keys=both) == ""


# Once only


def once(case: PolicyCase, context: SentRequest) -> str:
    refused = asyncio.run(case.ask(context))
    return "" if refused is None else refused.code


def test_a_signature_is_accepted_once() -> None:
    case = policy_case(NAME, {**CONFIG, "replayProtection": True})
    assert once(case, get()) == ""
    assert [once(case, get()) for _ in range(3)] == ["hmac_replayed"] * 3
    assert once(case, get(nonce="2")) == ""
    assert once(case, get(created=NOW + 1)) == ""
    assert once(case, get(key_id="stock", secret=STOCK)) == ""


def test_of_many_at_the_same_time_one_passes() -> None:
    case = policy_case(NAME, {**CONFIG, "replayProtection": True})

    async def whole() -> list[Any]:
        return await asyncio.gather(*(case.ask(get()) for _ in range(20)))

    found = asyncio.run(whole())
    assert [each for each in found if each is None] == [None]


def test_a_signature_is_remembered_as_long_as_its_time_is_right_and_over_a_republish() -> None:
    case = policy_case(NAME, {**CONFIG, "replayProtection": True})
    late = NOW + 250
    assert once(case, get(created=late)) == ""
    case.clock.advance(550)
    again = policy_case(NAME, {**CONFIG, "replayProtection": True}, clock=case.clock, kept=case.kept)
    assert once(again, get(created=late)) == "hmac_replayed"
    case.clock.advance(1)
    assert once(again, get(created=late)) == "hmac_clock"


def test_a_request_that_was_refused_may_come_again() -> None:
    case = policy_case(NAME, {**CONFIG, "replayProtection": True})
    assert once(case, post(said=b"other")) == "hmac_digest"
    honest = request("POST", TARGET, dict(_headers(post(said=b"other"))), body=b"other")
    assert once(case, honest) == ""


def _headers(context: SentRequest) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in context.headers]


class AwayStorage:
    """A shared storage that cannot be asked."""

    def cache(self, owner: str) -> "AwayStorage":
        return self

    async def first(self, key: str, seconds: float) -> Any:
        return UNKNOWN


def test_while_the_shared_storage_is_away_requests_are_refused_unless_that_is_not_wished() -> None:
    closed = policy_case(NAME, {**CONFIG, "replayProtection": True}, shared=AwayStorage())
    assert once(closed, get()) == "hmac_storage_away"
    opened = policy_case(
        NAME, {**CONFIG, "replayProtection": True, "closedWithoutStorage": False}, shared=AwayStorage()
    )
    assert [once(opened, get()) for _ in range(2)] == ["", "hmac_replayed"]


def test_the_key_id_can_have_to_be_a_client_with_a_contract() -> None:
    shop = Consumer(id="shop-1", name="Shop", client_id="shop")
    case = policy_case(NAME, {**CONFIG, "skipClientIdValidation": False}, consumers=[shop])
    context = get()
    assert case.send(context) is None
    assert (context.application, context.application_name, context.principal) == ("shop-1", "Shop", b"shop")
    refused = case.send(get(key_id="stock", secret=STOCK))
    assert refused is not None
    assert (refused.status, refused.code) == (403, "hmac_no_contract")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"keys": ""}, "keys"),
        ({"keys": "  "}, "at least one key"),
        ({"keys": SHOP}, "Pair 1 of the keys is not"),
        ({"keys": f"shop:{SHOP} :{SHOP}"}, "Pair 2 of the keys is not"),
        ({"keys": f'sh"op:{SHOP}'}, "Pair 1 of the keys is not"),
        ({"keys": f"shöp:{SHOP}"}, "Pair 1 of the keys is not"),
        ({"keys": f"shop:{SHOP[:31]}"}, "has fewer than 32 characters"),
        ({"components": "@method @target-uri"}, "“@target-uri” is no component"),
        ({"components": "Content-Type"}, "small letters"),
        ({"components": '"a"'}, "small letters"),
        ({"clockSkewSeconds": 0}, "clockSkewSeconds"),
    ],
)
def test_unusable_settings_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, {**CONFIG, **more})
    assert words in f"{caught.value.path} {caught.value.message}"
    assert SHOP[:31] not in caught.value.message


def test_the_keys_are_secret() -> None:
    assert DEFINITION.secret_settings() == ("keys",)
    assert DEFINITION.can_shadow
