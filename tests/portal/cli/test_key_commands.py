"""`portico keys`: the file of the ring."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli import key_commands
from portal.cli.commands import portico


@pytest.fixture
def ring(tmp_path: Path, monkeypatch) -> Path:
    """A ring of two keys in a home of its own."""
    path = tmp_path / "secrets" / "key_ring"
    path.parent.mkdir()
    path.write_text("second\nfirst\n")
    monkeypatch.setenv("PORTICO_HOME", str(tmp_path))
    monkeypatch.delenv("PORTICO_KEY_RING", raising=False)
    monkeypatch.delenv("PORTICO_KEY_RING_FILE", raising=False)
    return path


def test_new_key_comes_first_and_the_others_stay(ring: Path) -> None:
    done = CliRunner().invoke(portico, ["keys", "add"])
    assert done.exit_code == 0, done.output
    new, *others = ring.read_text().split()
    assert others == ["second", "first"]
    assert len(new) == 44
    assert new not in done.output
    assert ring.stat().st_mode & 0o777 == 0o600


def test_older_keys_are_dropped_when_nothing_needs_them(ring: Path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(key_commands, "manage", lambda *arguments: asked.append(arguments))
    CliRunner().invoke(portico, ["keys", "drop"])
    assert ring.read_text().split() == ["second"]
    assert asked == [("rotate_keys", "--check")]


def test_no_key_is_dropped_while_something_needs_it(ring: Path, monkeypatch) -> None:
    def needed(*arguments: str) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(key_commands, "manage", needed)
    assert CliRunner().invoke(portico, ["keys", "drop"]).exit_code == 1
    assert ring.read_text().split() == ["second", "first"]


def test_ring_of_the_environment_is_left_to_whoever_sets_it(ring: Path, monkeypatch) -> None:
    monkeypatch.setenv("PORTICO_KEY_RING", "one two")
    done = CliRunner().invoke(portico, ["keys", "add"])
    assert done.exit_code == 1
    assert "The ring is in PORTICO_KEY_RING, not in a file." in done.output


def test_home_without_a_ring_is_told(ring: Path) -> None:
    ring.unlink()
    assert "There is no key ring at" in CliRunner().invoke(portico, ["keys", "add"]).output
