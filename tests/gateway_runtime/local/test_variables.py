"""Environment variables in string values."""

import json

import pytest

from gateway_runtime.local.dump import effective
from tests.gateway_runtime.local.kit import ask, binding, fault, instance, loaded, only_api, service

LOCK = binding(
    "lock",
    """
    targetRef: {name: museum}
    policyRef: {name: http-basic-authentication-flex}
    config: {username: ada, password: $MUSEUM_PASSWORD}
    """,
)


def test_a_variable_is_the_value_of_a_setting() -> None:
    made = loaded(instance(), LOCK, MUSEUM_PASSWORD="sesame")
    assert only_api(made).policies[0].config == {"username": "ada", "password": "sesame"}


def test_a_value_stays_text_whatever_it_looks_like() -> None:
    assert only_api(loaded(instance(), LOCK, MUSEUM_PASSWORD="0123")).policies[0].config["password"] == "0123"


def test_a_variable_that_is_not_set_is_refused() -> None:
    assert fault(instance(), LOCK) == (
        "api.yaml:15: spec.config.password: The environment variable MUSEUM_PASSWORD is not set. "
        "Write $$MUSEUM_PASSWORD for the text itself."
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$$HOME", "$HOME"),
        ("a$HOME", "a$HOME"),
        ("$HOME/x", "$HOME/x"),
        ("${HOME}", "${HOME}"),
        ("$", "$"),
        ("$1", "$1"),
    ],
)
def test_only_a_whole_name_is_a_variable(written: str, value: str) -> None:
    made = loaded(instance(), LOCK.replace("$MUSEUM_PASSWORD", f"'{written}'"), HOME="/root")
    assert only_api(made).policies[0].config["password"] == value


def test_addresses_and_patterns_can_be_variables_and_the_end_of_a_pattern_is_none() -> None:
    route = binding(
        "r",
        """
        targetRef: {name: museum}
        policyRef: {name: route}
        config: {destinationRef: {name: exhibits}}
        rules: [{path: /a$}, {path: $PATTERN}]
        """,
    )
    made = loaded(instance(), service(address="$EXHIBITS"), route, EXHIBITS="http://10.1.1.1:7", PATTERN="/b")
    assert only_api(made).services[0].targets[0].host == "10.1.1.1"
    assert ask(made, "/b").status == ask(made, "/a").status == 0


def test_a_dump_shows_the_name_of_a_variable_and_no_secret() -> None:
    shown = json.dumps(effective(loaded(instance(), LOCK, MUSEUM_PASSWORD="open-sesame")))
    assert "open-sesame" not in shown
    inject = """
    targetRef: {name: museum}
    policyRef: {name: header-injection-flex}
    config: {inboundHeaders: [{key: x-key, value: $BACKEND_KEY}]}
    """
    shown = json.dumps(effective(loaded(instance(), binding("inject", inject), BACKEND_KEY="0penSesame")))
    assert "$BACKEND_KEY" in shown
    assert "0penSesame" not in shown
