"""The company's customers come in waves, and only while the switch is on."""

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli.commands import portico
from portal.demo.company import APIS
from portal.demo.traffic.customers import calls_per_second, next_call, pause_s
from portal.demo.traffic.switch import traffic_default, traffic_is_on, traffic_switch

MONDAY = datetime(2026, 3, 2)


def test_evening_is_busier_than_night() -> None:
    evening, night = (calls_per_second(MONDAY + timedelta(hours=hour)) for hour in (20, 8))
    assert evening > 2 * night
    hours = [calls_per_second(MONDAY + timedelta(hours=hour)) for hour in range(24)]
    assert all(2 <= rate <= 7 for rate in hours)


def test_pauses_make_up_the_rate() -> None:
    dice = random.Random(1)
    evening = MONDAY + timedelta(hours=20)
    pauses = [pause_s(dice, evening) for _ in range(3000)]
    assert sum(pauses) / len(pauses) == pytest.approx(1 / calls_per_second(evening), rel=0.1)


def test_calls_go_to_every_api_of_the_company() -> None:
    dice = random.Random(1)
    calls = [next_call(dice) for _ in range(500)]
    assert {"/" + call.split("?")[0].split("/")[1] for call in calls} == {api.base_path for api in APIS}
    assert not any("{" in call for call in calls)


def test_switch_is_kept_once_it_was_set(tmp_path: Path) -> None:
    assert traffic_is_on(home=tmp_path) is False
    traffic_default(home=tmp_path, on=True)
    assert traffic_is_on(home=tmp_path) is True
    traffic_switch(home=tmp_path, on=False)
    traffic_default(home=tmp_path, on=True)
    assert traffic_is_on(home=tmp_path) is False


def test_command_switches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_HOME", str(tmp_path))
    for state in ("on", "off"):
        result = CliRunner().invoke(portico, ["demo", "traffic", state])
        assert result.output == f"Demo traffic is {state}.\n"
        assert traffic_is_on(home=tmp_path) is (state == "on")
