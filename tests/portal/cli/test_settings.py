"""One run's settings: strict, and each process is told only what it needs."""

from pathlib import Path

import pytest

from portal.cli.up import plan
from portal.cli.up.errors import StartError
from portal.cli.up.settings import Run

REDIS = "redis://:redis-password@127.0.0.1:7000/0"


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    import os

    for name in list(os.environ):
        if name.startswith("PORTICO_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PORTICO_HOME", str(tmp_path))
    return monkeypatch


def test_defaults_are_the_documented_ones(clean: pytest.MonkeyPatch) -> None:
    run = Run.from_environment()
    assert (run.portal_port, run.gateway_port, run.gateway_admin) == (8000, 8080, ("127.0.0.1", 9998))
    assert run.portal_host == "127.0.0.1"
    assert run.redis_url is None
    assert run.admin_password is None


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("PORTICO_PORTAL_PORT", "web", "PORTICO_PORTAL_PORT"),
        ("PORTICO_GATEWAY_PORT", "8000", "PORTICO_PORTAL_PORT and PORTICO_GATEWAY_PORT both use port 8000"),
        ("PORTICO_GATEWAY_ADMIN", "9998", "HOST:PORT"),
        ("PORTICO_GATEWAY_ADMIN", "127.0.0.1:8080", "both use port 8080"),
        ("PORTICO_ADMIN_EMAIL", "admin", "e-mail"),
        ("PORTICO_ADMIN_PASSWORD", "short", "at least 10"),
        ("PORTICO_DEMO_TRAFFIC", "perhaps", "PORTICO_DEMO_TRAFFIC"),
        ("REDIS_URL", "localhost", "REDIS_URL"),
    ],
)
def test_wrong_setting_is_one_sentence(clean: pytest.MonkeyPatch, name: str, value: str, part: str) -> None:
    clean.setenv(name, value)
    with pytest.raises(StartError, match=part):
        Run.from_environment()


def test_no_secret_is_on_a_command_line(clean: pytest.MonkeyPatch) -> None:
    run = Run.from_environment()
    ports = dict.fromkeys(plan.SERVICES, 1)
    for program in [*plan.everything(run, REDIS, ports), plan.preparation(run, REDIS, "the-password")]:
        assert "redis-password" not in " ".join(program.command)
        assert "the-password" not in " ".join(program.command)
        assert "password" not in repr(program)


def test_gateway_and_demo_are_not_told_the_portals_secrets(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("PORTICO_SECRET_KEY", "secret-key")
    clean.setenv("PORTICO_ADMIN_PASSWORD", "admin-password")
    clean.setenv("DATABASE_URL", "postgres://u:database-password@h/n")
    run = Run.from_environment()
    for program in plan.everything(run, REDIS, dict.fromkeys(plan.SERVICES, 1)):
        known = " ".join(program.environment.values())
        assert "admin-password" not in known
        if program.name not in ("portal", "worker", "beat"):
            assert not {"secret-key", "database-password", "redis-password"} & set(known.replace(":", " ").split())
            assert "redis-password" not in known
            assert "database-password" not in known


def test_secret_given_directly_is_not_given_again_as_a_file(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv("PORTICO_SECRET_KEY", "secret-key")
    environment = Run.from_environment().portal_environment(REDIS)
    assert "PORTICO_SECRET_KEY_FILE" not in environment
    assert environment["PORTICO_KEY_RING_FILE"] == str(tmp_path / "secrets" / "key_ring")
