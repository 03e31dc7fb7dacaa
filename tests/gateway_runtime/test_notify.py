import asyncio
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_runtime.notify import keep_notified, notify, notify_reloading, watchdog_seconds


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return what systemd listens on, as this process is told of it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@portico-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1))
        listening.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listening


def test_states_are_sent_in_one_message(systemd: socket.socket) -> None:
    assert notify("READY=1", "STATUS=Serving")
    assert systemd.recv(100) == b"READY=1\nSTATUS=Serving"


def test_a_reload_is_told_with_its_time(systemd: socket.socket) -> None:
    notify_reloading()
    first, second = systemd.recv(100).decode().splitlines()
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "@nobody-listens", "/" + "x" * 300, "@a\0b"])
def test_nobody_listening_is_no_error(name: str) -> None:
    assert notify("READY=1", environment={"NOTIFY_SOCKET": name}) is False


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(environment: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(environment) == seconds


def test_signs_of_life_are_sent_and_the_status_only_when_it_changes(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    summaries = iter(["Revision 1", "Revision 1", "Revision 2"])

    async def run() -> None:
        await keep_notified(lambda: next(summaries))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(run())
    assert [systemd.recv(100) for _ in range(3)] == [
        b"WATCHDOG=1\nSTATUS=Revision 1",
        b"WATCHDOG=1",
        b"WATCHDOG=1\nSTATUS=Revision 2",
    ]
