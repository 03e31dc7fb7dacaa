"""One supervised process, with tiny real processes in place of Portico's."""

import asyncio
import os
import signal
import sys
from io import StringIO
from pathlib import Path

import pytest

from portal.cli.up.backoff import BackOff
from portal.cli.up.errors import StartError
from portal.cli.up.home import Home
from portal.cli.up.probes import log_says
from portal.cli.up.process import Child
from portal.cli.up.program import Program
from portal.cli.up.terminal import Terminal

SLEEP = "import time, sys; print('here', flush=True); time.sleep(60)"
# Ends with 0 when it is asked to, as a server does.
POLITE = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {SLEEP}"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"

pytestmark = pytest.mark.integration


class Bench:
    """A home, a terminal that can be read, and children in it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.stream = StringIO()
        self.terminal = Terminal(stream=self.stream)

    def child(self, code: str, **settings: object) -> Child:
        program = Program(
            **{
                "name": "child",
                "title": "Child",
                "command": (sys.executable, "-c", code),
                "environment": {"PATH": os.environ["PATH"]},
                "folder": self.home.path,
                "ready": log_says("here"),
                "ready_within_s": 10,
                "grace_s": 5,
                **settings,
            }
        )
        return Child(program, self.home.path, self.terminal, backoff=BackOff(first_s=0.05))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "home")


async def until(condition, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_polite_process_is_stopped_by_sigterm(bench: Bench) -> None:
    async def scenario() -> Child:
        child = bench.child(POLITE)
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()
            assert (bench.home.path / "run" / "child.pid").read_text().strip() == str(child.pid)
            child.stop()
        return child

    child = asyncio.run(scenario())
    assert child.exit_code == 0
    assert not (bench.home.path / "run" / "child.pid").exists()
    assert (bench.home.path / "logs" / "child.log").read_text() == "here\n"


def test_stubborn_process_is_killed_after_its_grace(bench: Bench) -> None:
    async def scenario() -> Child:
        child = bench.child(STUBBORN, grace_s=0.2)
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()
            child.stop()
        return child

    assert asyncio.run(scenario()).exit_code == -signal.SIGKILL


def test_failed_process_is_started_again(bench: Bench) -> None:
    async def scenario() -> None:
        child = bench.child(POLITE)
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()
            first = child.pid
            assert first is not None
            os.kill(first, signal.SIGKILL)
            await until(lambda: child.pid not in (None, first))
            child.stop()

    asyncio.run(scenario())
    assert "Child ended (by SIGKILL); starting it again in 0.05 s." in bench.stream.getvalue()


@pytest.mark.parametrize("code", [POLITE, SLEEP])
def test_process_that_somebody_stopped_on_purpose_stays_stopped(bench: Bench, code: str) -> None:
    async def scenario() -> None:
        child = bench.child(code)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            # The group ends by itself: nothing is started again.
            group.create_task(child.run())
            await child.ready()
            assert child.pid is not None
            os.kill(child.pid, signal.SIGTERM)

    asyncio.run(scenario())
    assert "Child was stopped and stays stopped." in bench.stream.getvalue()


def test_end_before_readiness_fails_with_the_end_of_the_log(bench: Bench) -> None:
    async def scenario() -> None:
        child = bench.child("import sys; print('no such table'); sys.exit(3)")
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    (error,) = caught.value.exceptions
    assert isinstance(error, StartError)
    assert str(error) == "Child ended while starting (exit code 3)."
    assert error.log == ["no such table"]


def test_missing_program_is_named(bench: Bench) -> None:
    async def scenario() -> None:
        child = bench.child("", command=("/nonexistent/server",))
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    (error,) = caught.value.exceptions
    assert isinstance(error, StartError)
    assert error.log == ["/nonexistent/server: No such file or directory"]


def test_what_a_process_leaves_behind_is_ended_with_it(bench: Bench) -> None:
    """A worker that its killed supervisor left behind would keep the port."""
    code = (
        "import subprocess, sys, time\n"
        f"print('left', subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).pid, flush=True)\n"
        "time.sleep(60)"
    )

    async def scenario() -> int:
        child = bench.child(code, ready=log_says("here"), grace_s=0.2)
        async with asyncio.TaskGroup() as group:
            group.create_task(child.run())
            await child.ready()
            left = next(int(line.split()[1]) for line in child.last_lines() if line.startswith("left"))
            child.stop()
        await until(lambda: not alive(left) or Path(f"/proc/{left}/stat").read_text().split()[2] == "Z")
        return left

    assert asyncio.run(scenario()) > 0


def test_wait_doubles_until_the_process_has_stayed_up() -> None:
    backoff = BackOff(first_s=1, longest_s=5)
    assert [backoff.after(0) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert backoff.after(61) == 1
