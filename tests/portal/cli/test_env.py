"""Environment variables are read strictly: a wrong one is a sentence with its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.env import (
    EnvError,
    database_from_url,
    env_address,
    env_bool,
    env_int,
    env_list,
    env_path,
    env_secret,
    env_str,
    env_url,
    redis_url,
)

NAME = "PORTICO_TEST_VALUE"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)])
def test_switch_takes_usual_words(monkeypatch: pytest.MonkeyPatch, text: str, value: bool) -> None:
    monkeypatch.setenv(NAME, text)
    assert env_bool(NAME, default=not value) is value


def test_unset_and_empty_are_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for value in (None, "", "  "):
        monkeypatch.delenv(NAME, raising=False)
        if value is not None:
            monkeypatch.setenv(NAME, value)
        assert env_str(NAME, default="a") == "a"
        assert env_bool(NAME, default=True) is True
        assert env_int(NAME, default=7) == 7
        assert env_list(NAME, default=["a"]) == ["a"]
        assert env_path(NAME, tmp_path) == tmp_path
        assert env_address(NAME, default="127.0.0.1:9") == ("127.0.0.1", 9)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda: env_bool(NAME), "maybe"),
        (lambda: env_int(NAME), "12a"),
        (lambda: env_int(NAME), "1_000"),
        (lambda: env_int(NAME), "٣"),
        (lambda: env_int(NAME, minimum=1, maximum=65535), "0"),
        (lambda: env_int(NAME, minimum=1, maximum=65535), "65536"),
        (lambda: env_address(NAME), "localhost"),
        (lambda: env_address(NAME), "localhost:http"),
        (lambda: env_address(NAME), ":80"),
        (lambda: env_address(NAME), "::1:80"),
        (lambda: env_address(NAME), "localhost:70000"),
        (lambda: env_url(NAME), "localhost:8000"),
        (lambda: env_url(NAME), "ftp://host"),
        (lambda: env_url(NAME), "http://"),
        (lambda: env_url(NAME), "http://host:port"),
        (lambda: redis_url(NAME, Path("/nonexistent")), "localhost:6379"),
        (lambda: redis_url(NAME, Path("/nonexistent")), "http://localhost"),
        (lambda: database_from_url(NAME, default=""), "mysql://host/name"),
        (lambda: database_from_url(NAME, default=""), "sqlite://"),
        (lambda: database_from_url(NAME, default=""), "postgres://host:port/name"),
        (lambda: database_from_url(NAME, default=""), "postgres://host"),
    ],
)
def test_wrong_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, read: Callable[[], Any], text: str) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(EnvError) as caught:
        read()
    sentence = str(caught.value)
    assert sentence.startswith(NAME)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_missing_value_without_default_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(EnvError, match=NAME):
        env_str(NAME)


def test_address_takes_ipv6_in_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "[::1]:9998")
    assert env_address(NAME) == ("::1", 9998)


def test_list_is_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "a, b,,c ")
    assert env_list(NAME) == ["a", "b", "c"]


def test_secret_comes_from_the_named_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    assert env_secret(NAME, default_file=tmp_path / "other") == "s3cret"


def test_secret_and_file_together_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "a")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))
    with pytest.raises(EnvError, match="Keep only one"):
        env_secret(NAME)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_secret_file_that_is_absent_or_empty_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(f"{NAME}_FILE", str(path))
    with pytest.raises(EnvError, match=str(path)):
        env_secret(NAME, default="fallback")


def test_secret_that_is_nowhere_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(EnvError, match="make up"):
        env_secret(NAME, default_file=tmp_path / "absent")


def test_error_about_redis_does_not_repeat_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "http://:hunter2@localhost")
    with pytest.raises(EnvError) as caught:
        redis_url(NAME, Path("/nonexistent"))
    assert "hunter2" not in str(caught.value)


def test_redis_address_comes_from_the_launchers_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(NAME, raising=False)
    (tmp_path / "redis.url").write_text("redis://:p@127.0.0.1:1234/0\n")
    assert redis_url(NAME, default_file=tmp_path / "redis.url") == "redis://:p@127.0.0.1:1234/0"


def test_sqlite_paths_are_relative_with_three_slashes_and_absolute_with_four() -> None:
    assert database_from_url(NAME, default="sqlite:///a/b.db")["NAME"] == "a/b.db"
    absolute = database_from_url(NAME, default="sqlite:////a/b%20c.db")
    assert absolute["NAME"] == "/a/b c.db"
    assert "journal_mode=WAL" in absolute["OPTIONS"]["init_command"]


def test_postgres_address_is_taken_apart() -> None:
    settings = database_from_url(NAME, default="postgres://ada:p%40ss@db:5433/portico?sslmode=require")
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["USER"], settings["PASSWORD"], settings["HOST"], settings["PORT"]) == ("ada", "p@ss", "db", "5433")
    assert settings["NAME"] == "portico"
    assert settings["OPTIONS"] == {"sslmode": "require"}
