from datetime import UTC, datetime

import pytest

from gateway_runtime.clock import Clock
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.state.leases import LeasedWindows
from gateway_runtime.state.limits import Limit
from gateway_runtime.state.strict import StrictWindows
from gateway_runtime.testing import FakeClock, PolicyCase, policy_case, request

NAME = "rate-limiting"


def case(
    *limits: tuple[int, int], clock: FakeClock | None = None, kept: dict | None = None, **more: object
) -> PolicyCase:
    config = {"rateLimits": [{"maximumRequests": m, "timePeriodInMilliseconds": t} for m, t in limits], **more}
    return policy_case(NAME, config, clock=clock, kept=kept)


def verdicts(policy: PolicyCase, times: int, **more: str) -> list[int]:
    return [(answer.status if (answer := policy.send(request(**more))) else 200) for _ in range(times)]


def test_requests_over_the_limit_are_refused_until_the_window_ends() -> None:
    policy = case((2, 1000))
    assert verdicts(policy, 3) == [200, 200, 429]
    policy.clock.advance(0.999)
    assert verdicts(policy, 1) == [429]
    policy.clock.advance(0.002)
    assert verdicts(policy, 3) == [200, 200, 429]


def test_the_first_request_opens_the_window() -> None:
    policy = case((1, 1000))
    policy.clock.advance(0.9)
    assert verdicts(policy, 1) == [200]
    policy.clock.advance(0.9)
    assert verdicts(policy, 1) == [429]


def test_refusal_says_when_to_come_back() -> None:
    policy = case((1, 2500))
    policy.send(request())
    policy.clock.advance(0.1)
    refused = policy.send(request())
    assert refused is not None
    assert (refused.status, refused.code, refused.policy) == (429, "rate_limit_exceeded", NAME)
    assert refused.headers == ((b"retry-after", b"3"),)


def test_every_limit_must_have_quota_and_a_refused_request_uses_none() -> None:
    policy = case((2, 1000), (3, 60_000))
    assert verdicts(policy, 4) == [200, 200, 429, 429]
    policy.clock.advance(1.5)
    assert verdicts(policy, 2) == [200, 429]
    refused = policy.send(request())
    assert refused is not None
    assert dict(refused.headers)[b"retry-after"] == b"59"


def test_exposed_headers_tell_the_limit_nearest_to_its_end() -> None:
    policy = case((2, 1000), (100, 60_000), exposeHeaders=True)
    context = request()
    policy.send(context)
    assert policy.answer(context) == {
        "x-ratelimit-limit": "2",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": "1000",
    }
    policy.send(request())
    refused = policy.send(request())
    assert refused is not None
    assert dict(refused.headers)[b"x-ratelimit-remaining"] == b"0"


def test_headers_are_not_exposed_by_default() -> None:
    assert case((2, 1000)).handlers.response_headers is None


def test_each_client_address_has_its_own_window() -> None:
    policy = case((1, 1000), key="client-address")
    assert verdicts(policy, 2, client_ip="192.0.2.1") == [200, 429]
    assert verdicts(policy, 2, client_ip="192.0.2.2") == [200, 429]


def test_each_application_has_its_own_window_and_nobody_is_one_too() -> None:
    policy = case((1, 1000), key="application")
    assert verdicts(policy, 2, application="shop") == [200, 429]
    assert verdicts(policy, 2, application="") == [200, 429]
    assert verdicts(policy, 1, application="Shop") == [200]


def test_counters_survive_a_new_revision() -> None:
    first = case((2, 1000))
    assert verdicts(first, 2) == [200, 200]
    second = case((2, 1000), clock=first.clock, kept=first.kept, exposeHeaders=True)
    assert verdicts(second, 1) == [429]


def test_another_maximum_does_not_forget_what_has_been_used() -> None:
    first = case((1, 1000))
    assert verdicts(first, 2) == [200, 429]
    larger = case((3, 1000), clock=first.clock, kept=first.kept)
    assert verdicts(larger, 3) == [200, 200, 429]
    smaller = case((2, 1000), clock=first.clock, kept=first.kept)
    assert verdicts(smaller, 1) == [429]
    smaller.clock.advance(1)
    assert verdicts(smaller, 3) == [200, 200, 429]


def test_another_period_begins_anew() -> None:
    first = case((1, 1000))
    assert verdicts(first, 2) == [200, 429]
    assert verdicts(case((2, 2000), clock=first.clock, kept=first.kept), 3) == [200, 200, 429]


def test_of_two_limits_with_one_period_the_smaller_counts() -> None:
    assert verdicts(case((5, 1000), (2, 1000)), 3) == [200, 200, 429]


def test_changes_leave_nothing_behind() -> None:
    kept: dict = {}
    for maximum in range(1, 50):
        case((maximum, 1000 * maximum), kept=kept)
    assert len(kept) == 1


def test_a_sliding_window_gives_back_one_by_one() -> None:
    policy = case((4, 1000), algorithm="sliding-window")
    assert verdicts(policy, 5) == [200, 200, 200, 200, 429]
    policy.clock.advance(0.25)
    assert verdicts(policy, 2) == [200, 429]
    policy.clock.advance(0.5)
    assert verdicts(policy, 3) == [200, 200, 429]
    policy.clock.advance(60)
    assert verdicts(policy, 5) == [200, 200, 200, 200, 429]


def test_a_sliding_window_never_locks_out_who_keeps_trying() -> None:
    policy = case((10, 1000), algorithm="sliding-window")
    passed = 0
    for _ in range(20 * 60):
        passed += verdicts(policy, 1) == [200]
        policy.clock.advance(0.05)
    assert 600 <= passed <= 610


def quota(maximum: int, period: str, *, clock: FakeClock, **more: object) -> PolicyCase:
    return policy_case(
        NAME, {"rateLimits": [{"maximumRequests": maximum, "calendarPeriod": period}], **more}, clock=clock
    )


@pytest.mark.parametrize(
    ("period", "zone", "inside", "beyond"),
    [
        ("day", "UTC", "2026-03-28T23:59:59+00:00", "2026-03-29T00:00:00+00:00"),
        ("day", "Europe/Berlin", "2026-03-29T21:59:59+00:00", "2026-03-29T22:00:00+00:00"),
        ("day", "Asia/Kolkata", "2026-03-28T18:29:59+00:00", "2026-03-28T18:30:00+00:00"),
        ("week", "UTC", "2026-03-29T23:59:59+00:00", "2026-03-30T00:00:00+00:00"),
        ("month", "UTC", "2026-03-31T23:59:59+00:00", "2026-04-01T00:00:00+00:00"),
        ("month", "America/New_York", "2026-04-01T03:59:59+00:00", "2026-04-01T04:00:00+00:00"),
        ("year", "Europe/Berlin", "2026-12-31T22:59:59+00:00", "2026-12-31T23:00:00+00:00"),
    ],
)
def test_a_quota_comes_back_with_the_calendar(period: str, zone: str, inside: str, beyond: str) -> None:
    moments = [datetime.fromisoformat(text).timestamp() for text in ("2026-03-28T12:00:00+00:00", inside, beyond)]
    if zone == "Europe/Berlin" and period == "day":
        moments[0] += 86_400
    clock = FakeClock(moments[0])
    policy = quota(2, period, clock=clock, timeZone=zone)
    assert verdicts(policy, 1) == [200]
    clock.now = moments[1]
    assert verdicts(policy, 2) == [200, 429]
    clock.now = moments[2]
    assert verdicts(policy, 3) == [200, 200, 429]


def test_several_kinds_of_limits_hold_together() -> None:
    clock = FakeClock(datetime(2026, 3, 28, tzinfo=UTC).timestamp())
    limits = [
        {"maximumRequests": 2, "timePeriodInMilliseconds": 1000},
        {"maximumRequests": 3, "calendarPeriod": "day"},
    ]
    policy = policy_case(
        NAME, {"rateLimits": limits, "algorithm": "sliding-window", "exposeHeaders": True}, clock=clock
    )
    assert verdicts(policy, 3) == [200, 200, 429]
    clock.advance(2)
    assert verdicts(policy, 2) == [200, 429]
    refused = policy.send(request())
    assert refused is not None
    assert dict(refused.headers) == {
        b"retry-after": b"86398",
        b"x-ratelimit-limit": b"3",
        b"x-ratelimit-remaining": b"0",
        b"x-ratelimit-reset": b"86398000",
    }


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"rateLimits": []}, "rateLimits"),
        ({}, "rateLimits"),
        ({"rateLimits": [{"maximumRequests": 0, "timePeriodInMilliseconds": 1}]}, "rateLimits[0].maximumRequests"),
        ({"rateLimits": [{"maximumRequests": 1}]}, "rateLimits[0]"),
        (
            {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1, "calendarPeriod": "day"}]},
            "rateLimits[0]",
        ),
        ({"rateLimits": [{"maximumRequests": 1, "calendarPeriod": "hour"}]}, "rateLimits[0].calendarPeriod"),
        ({"rateLimits": [{"maximumRequests": 1, "calendarPeriod": "day"}], "algorithm": "leaky"}, "algorithm"),
        ({"rateLimits": [{"maximumRequests": 1, "calendarPeriod": "day"}], "timeZone": "Mars/Olympus"}, ""),
        ({"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1}], "key": "colour"}, "key"),
    ],
)
def test_unusable_settings_are_refused(config: dict, path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        policy_case(NAME, config)
    assert caught.value.path.replace("[...]", "[0]") == path


SELECTOR = "#[attributes.headers['x-tenant']]"


def selected(policy: PolicyCase, *tenants: str | None) -> list[int]:
    """Return the status that a request of each tenant gets."""
    contexts = [request(headers={} if tenant is None else {"x-tenant": tenant}) for tenant in tenants]
    return [answer.status if (answer := policy.send(context)) else 200 for context in contexts]


def test_every_value_of_a_key_selector_has_its_own_window() -> None:
    policy = case((1, 1000), keySelector=SELECTOR)
    assert selected(policy, "a", "b", "A", "a", "b", "A") == [200, 200, 200, 429, 429, 429]


def test_requests_without_a_key_share_one_window() -> None:
    policy = case((1, 1000), keySelector=SELECTOR)
    assert selected(policy, None, "a", None, "") == [200, 200, 429, 429]


def test_a_key_that_cannot_be_evaluated_is_no_way_around_the_limit() -> None:
    policy = case((1, 1000), keySelector="#[fromBase64(attributes.headers['x-tenant'])]")
    assert selected(policy, "!", "YQ==", "!!", "YQ==") == [200, 200, 429, 429]


@pytest.mark.parametrize("long", ["x" * 10_000, "\xff\xfe", "ä" * 50])
def test_a_long_or_strange_key_is_counted_under_its_digest(long: str) -> None:
    policy = case((1, 1000), keySelector=SELECTOR)
    assert selected(policy, long, long + "y", long) == [200, 200, 429]
    ((_, windows),) = policy.kept.values()
    assert all(key.isascii() and len(key) < 100 for key in windows._entries)


def test_a_number_is_a_key_too() -> None:
    policy = case((1, 1000), keySelector="#[sizeOf(attributes.headers['x-tenant'])]")
    assert selected(policy, "a", "b", "ab") == [200, 429, 200]


def test_another_key_selector_begins_with_new_windows() -> None:
    first = case((1, 1000), keySelector=SELECTOR)
    assert selected(first, "a", "a") == [200, 429]
    assert selected(case((1, 1000), kept=first.kept, clock=first.clock, keySelector=SELECTOR), "a") == [429]
    other = case((1, 1000), kept=first.kept, clock=first.clock, keySelector="#[attributes.headers.x]")
    assert selected(other, "a") == [200]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"keySelector": SELECTOR, "key": "application"}, "leave the key at"),
        ({"keySelector": "x-tenant"}, "This setting takes an expression"),
        ({"keySelector": "#[vars.tenant]"}, "no “vars”"),
    ],
)
def test_an_unusable_key_selector_is_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        case((1, 1000), **more)
    assert words in caught.value.message


class Away:
    """A shared storage that cannot be asked."""

    away = True
    limiters = 1

    def key(self, owner: str, key: str) -> str:
        return key

    def windows(self, limits: tuple[Limit, ...], owner: str, clock: Clock, *, blocks: bool) -> LeasedWindows:
        return LeasedWindows(limits, self, owner, clock, blocks=blocks)  # type: ignore[arg-type]

    def strict(self, limits: tuple[Limit, ...], owner: str, clock: Clock, *, blocks: bool) -> StrictWindows:
        return StrictWindows(limits, self, owner, clock, blocks=blocks)  # type: ignore[arg-type]


@pytest.mark.parametrize("maximum", [5, 1000])
@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"blockOnUnknownQuota": False}, 200),
        ({"blockOnUnknownQuota": True}, 503),
        ({"blockOnUnknownQuota": True, "clusterizable": False}, 200),
    ],
)
def test_what_happens_while_the_shared_storage_is_away(maximum: int, settings: dict[str, bool], status: int) -> None:
    limits = [{"maximumRequests": maximum, "timePeriodInMilliseconds": 60_000}]
    policy = policy_case(NAME, {"rateLimits": limits, **settings}, shared=Away())
    answer = policy.send(request())
    assert (answer.status if answer else 200) == status
    assert answer is None or (answer.code, answer.headers) == ("rate_limit_unknown", ((b"retry-after", b"1"),))


def test_a_key_may_come_from_the_body() -> None:
    policy = case((1, 1000), keySelector="#[payload.tenant]")
    headers = {"content-type": "application/json"}

    def status(body: bytes) -> int:
        refused = policy.send(request("POST", headers=headers, body=body))
        return refused.status if refused else 200

    bodies = (b'{"tenant": "a"}', b'{"tenant": "b"}', b'{"tenant": "a"}', b"{", b"", b"[")
    assert [status(body) for body in bodies] == [200, 200, 429, 200, 429, 429]
    unread = request("POST", headers={"x-tenant": "a"}, body=b"x")
    assert case((1, 1000), keySelector=SELECTOR).send(unread) is None
    assert unread.body is None
