import pytest

from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.faults import ConfigFault


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
