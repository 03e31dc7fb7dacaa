"""Limits of instances: their own setting, and the documented policies that are nothing but a limit."""

import pytest

from gateway_runtime.policies.shaping import shaped
from gateway_runtime.schema.limits import ApiLimits
from tests.gateway_runtime.local.kit import fault, loaded, resource

ADDRESS = "address: http://0.0.0.0:8085/a"


def limits(*documents: str) -> ApiLimits:
    (api,) = loaded(*documents).document.apis
    return shaped(api, api.policies).limits


def bound(policy: str, config: str = "", more: str = "") -> str:
    spec = f"targetRef: {{name: a}}\npolicyRef: {{name: {policy}}}"
    if config:
        spec += f"\nconfig: {config}"
    return resource("PolicyBinding", f"b-{policy}", spec + more)


INSTANCE = resource("ApiInstance", "a", ADDRESS)


def test_an_instance_says_its_limits() -> None:
    spec = f"{ADDRESS}\nlimits: {{responseSeconds: 60, bodyBytes: 1000, bufferedBodyBytes: 2000}}"
    assert limits(resource("ApiInstance", "a", spec)) == ApiLimits(
        response_seconds=60, body_bytes=1000, buffered_body_bytes=2000
    )


@pytest.mark.parametrize("ending", ["", "-flex"])
def test_policies_say_them_too(ending: str) -> None:
    made = limits(
        INSTANCE,
        bound(f"response-timeout{ending}", "{timeout: 30}"),
        bound(f"stream-idle-timeout{ending}", "{timeout: 600}"),
    )
    assert made == ApiLimits(response_seconds=30, stream_idle_seconds=600)


def test_policies_have_the_documented_defaults() -> None:
    made = limits(INSTANCE, bound("response-timeout-flex"), bound("stream-idle-timeout-flex"))
    assert made == ApiLimits(response_seconds=15, stream_idle_seconds=300)


def test_an_instance_without_limits_has_none() -> None:
    assert limits(INSTANCE) == ApiLimits()


@pytest.mark.parametrize(
    ("documents", "sentence"),
    [
        ([INSTANCE, bound("response-timeout", "{timeout: 0}")], "spec.config.timeout: Use more than 0."),
        ([INSTANCE, bound("response-timeout", "{timeouts: 1}")], "Did you mean “timeout”?"),
        (
            [INSTANCE, bound("response-timeout", "{timeout: 5}", "\nrules: [{path: /x}]")],
            "is for a whole API and cannot have rules.",
        ),
        ([INSTANCE, bound("response-timeoutt")], "Did you mean “response-timeout”?"),
        ([resource("ApiInstance", "a", f"{ADDRESS}\nlimits: {{bodyByte: 1}}")], "Did you mean “bodyBytes”?"),
    ],
)
def test_a_mistake_is_told(documents: list[str], sentence: str) -> None:
    assert sentence in fault(*documents)


def test_what_a_policy_says_takes_the_place_of_what_the_instance_says() -> None:
    instance = resource("ApiInstance", "a", f"{ADDRESS}\nlimits: {{responseSeconds: 1, bodyBytes: 0}}")
    made = limits(instance, bound("response-timeout", "{timeout: 5}"))
    assert made == ApiLimits(response_seconds=5, body_bytes=0)
