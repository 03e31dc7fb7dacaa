"""The story of something that fails: in the log once a minute, in front of operators as long as it lasts."""

import json

import pytest

from gateway_runtime.outages import Outage
from gateway_runtime.testing import FakeClock


def test_operators_are_told_as_long_as_it_fails() -> None:
    outage = Outage("authorizer", FakeClock(), "http://a/{b} cannot be asked ({code}).", uri="http://a/{b}")
    assert outage.notice() is None
    outage.failed("refused")
    assert outage.notice() == (False, "http://a/{b} cannot be asked (refused).")
    outage.failed("timeout")
    assert outage.notice() == (False, "http://a/{b} cannot be asked (timeout).")
    outage.worked()
    assert outage.notice() is None


def test_the_log_has_it_once_a_minute_and_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    outage = Outage("authorizer", clock, "{code}", uri="h2://a")
    for _ in range(3):
        outage.failed("refused")
    clock.advance(60)
    outage.failed("timeout")
    outage.worked()
    outage.worked()
    outage.failed("refused")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    told = [(line["event"], line.get("code"), line["uri"]) for line in lines]
    assert told == [
        ("authorizer_failed", "refused", "h2://a"), ("authorizer_failed", "timeout", "h2://a"),
        ("authorizer_back", None, "h2://a"), ("authorizer_failed", "refused", "h2://a"),
    ]  # fmt: skip
