"""`portico policy`: the files of a new policy work as they are written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.cli.commands import portico

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(portico, ["policy", *arguments])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PORTICO_POLICIES", raising=False)
    monkeypatch.setenv("PORTICO_HOME", str(tmp_path))
    return tmp_path


def portico_process(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PORTICO_POLICIES": str(home / "policies"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_new_policy_can_be_used_and_its_test_passes(home: Path) -> None:
    written = run("new", "office-hours")
    assert written.exit_code == 0
    policy, test = home / "policies" / "office_hours.py", home / "policies" / "test_office_hours.py"
    assert written.output == f"Written: {policy}\nWritten: {test}\n"
    checked = portico_process("-m", "portal.cli", "policy", "check", home=home)
    assert (checked.returncode, checked.stdout) == (0, "office-hours: Office hours, Security\n")
    tested = portico_process("-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(test), home=home)
    assert "2 passed" in tested.stdout


def test_what_is_there_is_not_overwritten(home: Path) -> None:
    run("new", "office-hours")
    policy = home / "policies" / "office_hours.py"
    policy.write_text("mine", encoding="utf-8")
    again = run("new", "office-hours")
    assert again.exit_code == 1
    assert f"{policy} is there already. Choose another name." in again.output
    assert policy.read_text(encoding="utf-8") == "mine"


def test_where_one_of_both_files_is_there_neither_is_written(home: Path) -> None:
    policy, test = home / "policies" / "office_hours.py", home / "policies" / "test_office_hours.py"
    test.parent.mkdir()
    test.write_text("mine", encoding="utf-8")
    assert f"{test} is there already. Choose another name." in run("new", "office-hours").output
    assert not policy.exists()


@pytest.mark.parametrize(
    "name", ["Office", "office hours", "../office", "-office", "office--hours", "1st", "ä", "x" * 61]
)
def test_a_name_that_cannot_be_one_is_refused(home: Path, name: str) -> None:
    refused = run("new", "--", name)
    assert refused.exit_code == 1
    assert "is no name for a policy" in refused.output
    assert not (home / "policies").exists()


def test_the_named_folder_is_where_they_are_written(home: Path) -> None:
    assert run("new", "office-hours", "--folder", str(home / "mine")).exit_code == 0
    assert (home / "mine" / "office_hours.py").is_file()


def test_a_broken_policy_is_named_by_every_check(home: Path) -> None:
    (home / "policies").mkdir()
    broken = home / "policies" / "broken.py"
    broken.write_text("1 / 0\n", encoding="utf-8")
    sentence = f"The custom policy {broken} cannot be used: ZeroDivisionError: division by zero (line 1)."
    checked = portico_process("-m", "portal.cli", "policy", "check", home=home)
    assert (checked.returncode, checked.stderr) == (1, f"{sentence}\n")
    gateway = portico_process("-m", "gateway_runtime", "--config", str(home), home=home)
    assert (gateway.returncode, gateway.stderr) == (2, f"{sentence}\n")
    portal = portico_process("manage.py", "check", home=home)
    assert portal.returncode == 1
    assert sentence in portal.stderr
