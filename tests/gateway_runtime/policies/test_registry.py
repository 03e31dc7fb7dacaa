from typing import Any

import pytest

from gateway_runtime.policies.registry import definition, read_config
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.upstream import HealthCheck


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("rate-limiting", "rate-limiting"),
        ("rate-limiting-flex", "rate-limiting"),
        ("http-basic-authentication-flex", "http-basic-authentication"),
        ("basic-authentication", "http-basic-authentication"),
        ("client-id-enforcement", "client-id-enforcement"),
        ("header-injection-flex", "header-injection"),
    ],
)
def test_documented_names_and_aliases_are_found(name: str, found: str) -> None:
    assert definition(name).name == found


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigFault) as caught:
        definition("rate-limitting-flex")
    assert caught.value.code == "unknown_policy"
    assert "Did you mean “rate-limiting”?" in caught.value.message


def test_secret_settings_are_told_by_the_definition() -> None:
    assert definition("http-basic-authentication").secret_settings() == ("password",)


@pytest.mark.parametrize(
    ("name", "config", "path"),
    [
        ("health-check", {"upstreamUrl": "https://orders.example", "basePath": "/health\n"}, "basePath"),
        ("header-injection", {"inboundHeaders": [{"key": "X-A\n", "value": "b"}]}, "inboundHeaders[0].key"),
        ("maintenance", {"contentType": "text/plain\n"}, "contentType"),
    ],
)
def test_no_line_end_comes_after_what_a_pattern_describes(name: str, config: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read_config(definition(name), config)
    assert caught.value.path == path
    assert caught.value.message[-3] == "$"  # as it is written


def test_no_line_end_comes_after_the_path_of_a_health_check() -> None:
    assert convert({"path": "/health"}, HealthCheck).path == "/health"
    with pytest.raises(ConfigFault):
        convert({"path": "/health\n"}, HealthCheck)
