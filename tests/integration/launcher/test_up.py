"""`portico up` from nothing to ready and back, with every process real."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.stack import ROOT, Stack, wait_until

pytestmark = pytest.mark.integration

ORDER = {"customerId": "C-1001", "items": [{"sku": "KIT-01-NAV", "quantity": 2, "unitPrice": 47.25}]}

MakeStack = Callable[..., Stack]


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[MakeStack]:
    """Makes copies that are stopped at the end, whatever happens."""
    made: list[Stack] = []

    def make(name: str = "home", **environment: str) -> Stack:
        made.append(Stack(home=tmp_path / name, environment=environment))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


def processes_of(home: Path) -> list[int]:
    """Return every process that was told to work in this home."""
    mark = f"PORTICO_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                mark in (folder / "environ").read_bytes().split(b"\0")
                and b"Z (" not in (folder / "status").read_bytes()
            ):
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    redis = str(home / "redis" / "redis.conf").encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if redis in (folder / "cmdline").read_bytes() or str(home).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(set(found))


def refused(stack: Stack) -> str:
    """Run a launcher that must refuse; return its one sentence."""
    finished = subprocess.run(
        [sys.executable, "-m", "portal.cli", "up"],
        cwd=ROOT, env=stack.env(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert finished.returncode == 1
    assert finished.stderr == ""
    lines = finished.stdout.splitlines()
    assert len(lines) == 1
    assert processes_of(stack.home) == []
    return lines[0]


def test_first_start_stop_and_quick_second_start_that_keeps_all_data(make_stack: MakeStack) -> None:
    stack = make_stack(PORTICO_ADMIN_PASSWORD="").start()
    shown = stack.output.read_text()
    password = re.findall(r"Password\s+(\S+)\s+\(shown only this once\)", shown)
    assert len(password) == 1
    assert "warning" not in shown.lower()
    assert shown.splitlines()[-1].startswith("Portico is ready")
    command = re.findall(r"curl -i '([^']+)'", shown)[0]
    assert command.startswith(stack.gateway)
    assert len(httpx.get(command, timeout=10).json()["items"]) == 2
    placed = httpx.post(f"{stack.gateway}/orders", json=ORDER, timeout=10)
    assert placed.status_code == 201

    assert stack.stop() == 0
    assert processes_of(stack.home) == []
    assert not (stack.home / "secrets" / "first_password").exists()

    url = f"{stack.gateway}/orders/{placed.json()['id']}"
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        ready = pool.submit(stack.start)
        wait_until(lambda: answers(url), seconds=60, what="the first proxied request of the second start")
        took = time.monotonic() - started
        ready.result()
    assert httpx.get(url, timeout=10).json() == placed.json()
    assert took < 10
    assert password[0] not in stack.output.read_text()
    assert stack.stop() == 0
    assert processes_of(stack.home) == []


def test_two_copies_run_side_by_side_but_not_in_one_home(make_stack: MakeStack) -> None:
    first, second = make_stack("first").start(), make_stack("second").start()
    placed = httpx.post(f"{first.gateway}/orders", json=ORDER, timeout=10).json()["id"]
    assert httpx.get(f"{first.gateway}/orders/{placed}", timeout=10).status_code == 200
    assert httpx.get(f"{second.gateway}/orders/{placed}", timeout=10).status_code == 404
    for stack in (first, second):
        assert httpx.get(f"{stack.portal}/readyz", timeout=10).status_code == 200
        assert httpx.get(f"{stack.admin}/readyz", timeout=10).status_code == 200

    third = make_stack("first")
    finished = subprocess.run(
        [sys.executable, "-m", "portal.cli", "up"],
        cwd=ROOT, env=third.env(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert finished.returncode == 1
    assert "Another Portico already runs" in finished.stdout
    assert httpx.get(f"{first.portal}/readyz", timeout=10).status_code == 200

    first.stop()
    assert processes_of(first.home) == []
    assert httpx.get(f"{second.gateway}/catalog", timeout=10).status_code == 200


def test_killed_process_comes_back_and_a_stopped_gateway_is_started_by_hand(make_stack: MakeStack) -> None:
    stack = make_stack().start()
    # A new copy of itself would end with the old one, which the launcher follows.
    os.kill(stack.pid_of("gateway"), signal.SIGHUP)
    killed = stack.pid_of("catalog")
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: (
            httpx.get(f"{stack.gateway}/catalog", timeout=10).status_code == 200 and stack.pid_of("catalog") != killed
        ),
        seconds=15,
        what="the catalog answers again",
    )

    os.kill(stack.pid_of("gateway"), signal.SIGTERM)
    wait_until(
        lambda: "Gateway was stopped and stays stopped" in stack.output.read_text(), seconds=20, what="the gateway ends"
    )
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{stack.gateway}/catalog", timeout=10)

    with (stack.home / "by-hand.log").open("wb") as log:
        gateway = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "gateway", "start"], cwd=ROOT, env=stack.env(), stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(f"{stack.gateway}/catalog"), seconds=20, what="the gateway serves again")
    finally:
        gateway.terminate()
        assert gateway.wait(timeout=40) == 0


def answers(url: str) -> bool:
    """Say whether a GET is answered with 200."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_nothing_outlives_a_launcher_that_is_killed(make_stack: MakeStack) -> None:
    stack = make_stack().start()
    assert stack.process is not None
    assert len(processes_of(stack.home)) > 10
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: processes_of(stack.home) == [], seconds=40, what="all processes have ended")
    stack.start(seconds=60)
    assert httpx.get(f"{stack.gateway}/catalog", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("port", "variable"),
    [
        ("portal_port", "PORTICO_PORTAL_PORT"),
        ("gateway_port", "PORTICO_GATEWAY_PORT"),
        ("admin_port", "PORTICO_GATEWAY_ADMIN"),
    ],
)
def test_port_in_use_is_one_sentence(make_stack: MakeStack, port: str, variable: str) -> None:
    stack = make_stack()
    with socket.socket() as other:
        other.bind(("127.0.0.1", getattr(stack, port)))
        other.listen()
        sentence = refused(stack)
    assert str(getattr(stack, port)) in sentence
    assert variable in sentence


def test_home_that_cannot_be_written_is_one_sentence(make_stack: MakeStack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sentence = refused(make_stack("file/home"))
    assert "cannot be written" in sentence
    assert "PORTICO_HOME" in sentence


def test_wrong_setting_is_one_sentence(make_stack: MakeStack) -> None:
    assert "PORTICO_PORTAL_PORT is 'web'" in refused(make_stack(PORTICO_PORTAL_PORT="web"))


def test_configured_redis_that_does_not_answer_is_named_without_its_password(make_stack: MakeStack) -> None:
    stack = make_stack(REDIS_URL="redis://:hunter2hunter2@127.0.0.1:1/0")
    finished = subprocess.run(
        [sys.executable, "-m", "portal.cli", "up"],
        cwd=ROOT, env=stack.env(), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert finished.returncode == 1
    assert "Redis at 127.0.0.1:1 cannot be used" in finished.stdout
    assert "hunter2" not in finished.stdout
    assert processes_of(stack.home) == []


def test_interrupt_while_starting_leaves_nothing(make_stack: MakeStack) -> None:
    stack = make_stack()
    process = subprocess.Popen(
        [sys.executable, "-m", "portal.cli", "up"], cwd=ROOT, env=stack.env(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Database" in line:
            process.send_signal(signal.SIGINT)
            break
    output = process.stdout.read()
    assert process.wait(timeout=30) == 0
    assert "Portico has stopped." in output
    assert processes_of(stack.home) == []
