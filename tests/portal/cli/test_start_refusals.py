"""What a portal does not start with, and the sentence that says how to mend it."""

import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from portal.env import EnvError
from portal.start_refusals import refuse_unsafe_start
from tests.stack import ROOT

OPEN = "https://portal.example.test"
RANDOM = "v8Gm2qXkT4-bN7cZ1rLw9yHd5sJf3aPu"
KEY = urlsafe_b64encode(bytes(range(32))).decode()


def start(**changed: Any) -> None:
    safe: dict[str, Any] = {
        "debug": False, "portal_url": OPEN, "secret_key": RANDOM, "key_ring": [KEY],
        "redis": {"REDIS_URL": "rediss://:x@redis.example.test:6380/0"}, "allow_plain_redis": False,
    }  # fmt: skip
    refuse_unsafe_start(**safe | changed)


def test_a_safe_start_is_one() -> None:
    start()


@pytest.mark.parametrize(
    "secret", ["", "short", "a" * 64, "ab" * 40, f"{RANDOM}-changeme", f"django-insecure-{RANDOM}"]
)
def test_a_guessable_secret_is_refused(secret: str) -> None:
    with pytest.raises(EnvError, match=r"PORTICO_SECRET_KEY can be guessed. Put at least 32 random"):
        start(secret_key=secret)


@pytest.mark.parametrize("key", [b"1" * 32, b"\0" * 32, b"abcd" * 8])
def test_a_guessable_key_is_refused_wherever_it_is_in_the_ring(key: bytes) -> None:
    with pytest.raises(EnvError, match=r"PORTICO_KEY_RING can be guessed. Make one"):
        start(key_ring=[KEY, urlsafe_b64encode(key).decode()])


def test_debug_is_refused_where_others_reach_the_portal() -> None:
    with pytest.raises(EnvError, match="Remove PORTICO_DEBUG"):
        start(debug=True)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_a_trial_on_this_machine_may_have_both(url: str) -> None:
    start(portal_url=url, debug=True, secret_key="x", key_ring=["x"])


@pytest.mark.parametrize("url", [OPEN, "http://localhost:8000"])
@pytest.mark.parametrize("variable", ["REDIS_URL", "PORTICO_GATEWAY_REDIS_URL"])
@pytest.mark.parametrize("host", ["redis", "10.0.0.7", "localhost.example.test", "[2001:db8::1]"])
def test_plain_redis_elsewhere_is_refused_without_its_password(url: str, variable: str, host: str) -> None:
    address = f"redis://:hidden@{host}:6379/0"
    with pytest.raises(EnvError, match=f"{variable} leads to Redis on another machine") as refused:
        start(portal_url=url, redis={variable: address})
    assert "hidden" not in str(refused.value)
    start(portal_url=url, redis={variable: address}, allow_plain_redis=True)


@pytest.mark.parametrize(
    "address", ["redis://127.0.0.1:1/0", "redis://localhost/0", "redis://[::1]/0", "unix:///run/r"]
)
def test_redis_on_this_machine_needs_no_encryption(address: str) -> None:
    start(redis={"REDIS_URL": address})


@pytest.mark.parametrize("program", [["manage.py", "check"], ["-m", "celery", "-A", "portal", "report"]])
def test_the_processes_end_with_the_sentence(tmp_path: Path, program: list[str]) -> None:
    environment = {
        **os.environ,
        "PORTICO_HOME": str(tmp_path),
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_KEY_RING": KEY,
        "REDIS_URL": "redis://redis.example.test:6379/0",
    }
    done = subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "Use rediss://, or set PORTICO_ALLOW_PLAIN_REDIS=yes" in done.stderr
