from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_runtime.schema.document import Consumer, Tier, TierLimit
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.testing import FakeClock, PolicyCase, policy_case, request

from .test_rate_limiting import Away

NAME = "rate-limiting-sla-based"
CHALLENGE = ((b"www-authenticate", b"Client-ID-Enforcement"),)


def consumer(id: str) -> Consumer:
    return Consumer(id=id, name=f"{id} app", client_id=f"{id}-id", secrets=[sha256(b"secret").hexdigest()])


def tier(name: str, *limits: tuple[int, int]) -> Tier:
    return Tier(id=f"tier-{name}", name=name, limits=[TierLimit(maximum_requests=m, period_ms=p) for m, p in limits])


GOLD, BRONZE, OPEN = tier("gold", (3, 1000), (5, 60_000)), tier("bronze", (1, 1000)), tier("open")
APPS = {"shop": GOLD, "till": GOLD, "kiosk": BRONZE, "house": OPEN, "guest": None}
STRANGER = consumer("stranger")


def case(tiers: dict[str, Tier | None] = APPS, *, clock: FakeClock | None = None, kept: dict | None = None,
         shared: object = None, **config: object) -> PolicyCase:  # fmt: skip
    return policy_case(
        NAME,
        config,
        consumers=[consumer(id) for id in tiers],
        strangers=[STRANGER],
        tiers={id: tier for id, tier in tiers.items() if tier is not None},
        clock=clock,
        kept=kept,
        shared=shared,
    )


def statuses(policy: PolicyCase, app: str, times: int) -> list[int]:
    answers = [policy.send(request(headers={"client_id": f"{app}-id"})) for _ in range(times)]
    return [answer.status if answer else 200 for answer in answers]


def test_each_contract_has_the_limits_of_its_tier_for_itself() -> None:
    policy = case()
    assert statuses(policy, "shop", 4) == [200, 200, 200, 429]
    assert statuses(policy, "till", 4) == [200, 200, 200, 429]
    assert statuses(policy, "kiosk", 2) == [200, 429]


def test_every_limit_of_the_tier_counts() -> None:
    policy = case()
    assert statuses(policy, "shop", 3) == [200] * 3
    policy.clock.advance(1)
    assert statuses(policy, "shop", 3) == [200, 200, 429]
    refused = policy.send(request(headers={"client_id": "shop-id"}))
    assert refused is not None
    assert (refused.status, refused.code, refused.headers) == (429, "sla_limit_exceeded", ((b"retry-after", b"59"),))


@pytest.mark.parametrize("app", ["house", "guest"])
def test_a_contract_without_limits_has_none(app: str) -> None:
    policy = case()
    assert statuses(policy, app, 50) == [200] * 50
    assert policy.answer(request()) == {}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "sla_client_id_missing"),
        ([("client_id", "shop-id"), ("client_id", "till-id")], "sla_client_id_missing"),
        ({"client_id": "nobody", "client_secret": "secret"}, "sla_credentials_invalid"),
        ({"client_id": "shop-id"}, "sla_credentials_invalid"),
        ({"client_id": "shop-id", "client_secret": "wrong"}, "sla_credentials_invalid"),
        ({"client_id": "stranger-id", "client_secret": "wrong"}, "sla_credentials_invalid"),
        ({"client_id": "stranger-id", "client_secret": "secret"}, "sla_no_contract"),
        ({"client_id": "shop-id", "client_secret": "secret"}, None),
    ],
)
def test_who_gets_in(headers: dict[str, str], code: str | None) -> None:
    context = request(headers=headers)
    refused = case(clientSecretExpression="#[attributes.headers['client_secret']]").send(context)
    if code is None:
        assert refused is None
        assert (context.application, context.application_name, context.principal) == ("shop", "shop app", b"shop-id")
        assert context.headers == [(b"client_id", b"shop-id")]
    else:
        assert refused is not None
        assert (refused.status, refused.code, refused.headers) == (401, code, CHALLENGE)
        assert context.application == ""


def test_as_it_stands_the_client_id_alone_counts() -> None:
    assert statuses(case(), "shop", 1) == [200]


def test_the_client_id_may_be_in_the_query() -> None:
    policy = case(clientIdExpression="#[attributes.queryParams['client_id']]")
    assert policy.send(request("GET", "/?client_id=shop-id")) is None
    refused = policy.send(request("GET", "/"))
    assert refused is not None
    assert refused.code == "sla_client_id_missing"


def test_a_refused_caller_is_never_locked_out() -> None:
    policy = case()
    passed = 0
    for _ in range(6_000):
        passed += statuses(policy, "kiosk", 1) == [200]
        policy.clock.advance(0.01)
    assert 59 <= passed <= 61


def test_a_changed_tier_acts_at_once_and_forgets_nothing() -> None:
    first = case()
    assert statuses(first, "kiosk", 2) == [200, 429]
    larger = case({**APPS, "kiosk": tier("bronze", (3, 1000))}, clock=first.clock, kept=first.kept)
    assert statuses(larger, "kiosk", 3) == [200, 200, 429]
    smaller = case({**APPS, "kiosk": tier("bronze", (2, 1000))}, clock=first.clock, kept=first.kept)
    assert statuses(smaller, "kiosk", 1) == [429]


def test_a_contract_that_gets_another_tier_with_the_same_periods_has_used_what_it_has_used() -> None:
    first = case()
    assert statuses(first, "kiosk", 2) == [200, 429]
    moved = case({**APPS, "kiosk": tier("silver", (3, 1000))}, clock=first.clock, kept=first.kept)
    assert statuses(moved, "kiosk", 3) == [200, 200, 429]
    back = case(clock=first.clock, kept=first.kept)
    assert statuses(back, "kiosk", 1) == [429]


def test_headers_tell_of_the_most_restrictive_limit_of_the_tier() -> None:
    policy = case(exposeHeaders=True, exposeRateLimitHeaders=True)
    context = request(headers={"client_id": "shop-id"})
    assert policy.send(context) is None
    assert policy.answer(context) == {
        "x-ratelimit-limit": "3",
        "x-ratelimit-remaining": "2",
        "x-ratelimit-reset": "1000",
        "ratelimit-policy": '"second";q=3;w=1, "minute";q=5;w=60',
        "ratelimit": '"second";r=2;t=1',
    }
    statuses(policy, "shop", 2)
    policy.clock.advance(1)
    context = request(headers={"client_id": "shop-id"})
    assert policy.send(context) is None
    assert policy.answer(context)["ratelimit"] == '"minute";r=1;t=59'


def test_a_quota_by_the_calendar_and_a_sliding_window() -> None:
    plan = Tier(
        id="t",
        name="monthly",
        limits=[
            TierLimit(maximum_requests=3, calendar_period="month"),
            TierLimit(maximum_requests=2, period_ms=1000),
        ],
    )
    policy = case({"shop": plan}, algorithm="sliding-window", timeZone="Europe/Berlin")
    assert statuses(policy, "shop", 3) == [200, 200, 429]
    policy.clock.advance(0.5)
    assert statuses(policy, "shop", 1) == [200]
    policy.clock.advance(100)
    assert statuses(policy, "shop", 1) == [429]
    policy.clock.advance(31 * 86_400)
    assert statuses(policy, "shop", 1) == [200]


@pytest.mark.parametrize(("blocks", "status"), [(False, 200), (True, 503)])
@pytest.mark.parametrize("app", ["shop", "guest"])
def test_while_the_shared_storage_is_away(blocks: bool, status: int, app: str) -> None:
    policy = case(shared=Away(), blockOnUnknownQuota=blocks)
    # Who has no limit has none to be unsure of.
    assert statuses(policy, app, 1) == [status if app == "shop" else 200]


@given(st.lists(st.sampled_from(["shop", "till", "kiosk", "house", "guest", "nobody"]), max_size=60))
def test_nobody_uses_the_quota_of_another(apps: list[str]) -> None:
    policy = case()
    allowed = {"shop": 3, "till": 3, "kiosk": 1, "nobody": 0}
    used = dict.fromkeys(allowed, 0)
    for app in apps:
        (status,) = statuses(policy, app, 1)
        expected = 200 if used.get(app, 0) < allowed.get(app, 100) else 401 if app == "nobody" else 429
        assert status == expected
        if status == 200 and app in used:
            used[app] += 1


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"clientIdExpression": "client_id"}, "clientIdExpression"),
        ({"clientSecretExpression": "#[vars.secret]"}, "clientSecretExpression"),
        ({"clientSecretExpression": "#[attributes.headers['client_id']]"}, ""),
        ({"timeZone": "Nowhere"}, ""),
        ({"algorithm": "none"}, "algorithm"),
        ({"rateLimits": []}, "rateLimits"),
    ],
)
def test_unusable_settings_are_refused(config: dict, path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        case(**config)
    assert caught.value.path == path
