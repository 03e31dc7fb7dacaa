"""One process under supervision: started, watched, started again when it fails, ended with all it has started."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.cli.up.backoff import BackOff
from portal.cli.up.errors import StartError
from portal.cli.up.output import LogFile, ProcessOutput
from portal.cli.up.program import CLEAN_EXITS, Program
from portal.cli.up.terminal import Terminal

POLL_S = 0.05
# Loaded here, because nothing may be imported between fork and exec.
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Ask the kernel to end this process when the launcher dies without being able to say so."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """A program's process, through all its restarts."""

    def __init__(
        self,
        program: Program,
        folder: Path,
        terminal: Terminal,
        *,
        backoff: BackOff | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.program = program
        self.exit_code: int | None = None
        self.pid: int | None = None
        self._terminal = terminal
        self._log = LogFile(folder / "logs" / f"{program.name}.log")
        self._output = ProcessOutput(program.name, self._log, terminal, on_line)
        self._pid_file = folder / "run" / f"{program.name}.pid"
        self._backoff = backoff or BackOff()
        self._stop = asyncio.Event()
        self._kill = asyncio.Event()
        self._was_ready = False

    async def run(self) -> None:
        """Keep the process running until it is stopped, by us or on purpose by somebody else."""
        loop = asyncio.get_running_loop()
        try:
            while not self._stop.is_set():
                started = loop.time()
                self.exit_code = await self._run_once()
                # Before its first readiness an end is the starter's business, not a reason to try again.
                if self._stop.is_set() or not self._was_ready:
                    break
                if self.exit_code in CLEAN_EXITS:
                    self._terminal.line(f"  {self.program.title} was stopped and stays stopped.")
                    break
                delay = self._backoff.after(loop.time() - started)
                self._terminal.line(
                    f"  {self.program.title} ended ({describe(self.exit_code)}); starting it again in {delay:g} s."
                )
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), delay)
        finally:
            self._log.close()

    async def _run_once(self) -> int:
        self._output.forget()
        with self._pipe() as write_end:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.program.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=write_end,
                    stderr=asyncio.subprocess.STDOUT,
                    env=self.program.environment,
                    cwd=self.program.folder,
                    # A group of its own: Ctrl-C reaches only the launcher, which then stops all in order.
                    start_new_session=True,
                    preexec_fn=end_with_parent,
                )
            except OSError as error:
                self._output.feed(f"{self.program.command[0]}: {error.strerror}\n".encode())
                return 127
            finally:
                os.close(write_end)
            self.pid = process.pid
            self._pid_file.write_text(f"{process.pid}\n", encoding="ascii")
            ended = asyncio.get_running_loop().create_task(process.wait())
            try:
                await self._ended_or_told(ended)
            finally:
                # Whatever the process has left behind would keep its ports.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                code = await ended
                self.pid = None
                self._pid_file.unlink(missing_ok=True)
        return code

    async def _ended_or_told(self, ended: "asyncio.Task[int]") -> None:
        """Wait until the process has ended; once told to stop, ask it, and give it its time."""
        loop = asyncio.get_running_loop()
        told = loop.create_task(self._stop.wait())
        hurry = loop.create_task(self._kill.wait())
        try:
            await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and self.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGTERM)
                await asyncio.wait({ended, hurry}, timeout=self.program.grace_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            hurry.cancel()

    @contextmanager
    def _pipe(self) -> Iterator[int]:
        """Yield the end a process writes to; what it writes is taken until the block ends.

        A pipe of our own, because one of asyncio's counts as open while anything the process has started still
        holds it, and a process then seems not to have ended.
        """
        loop = asyncio.get_running_loop()
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)

        def take() -> bool:
            try:
                chunk = os.read(read_end, 65536)
            except BlockingIOError:
                return False
            if chunk:
                self._output.feed(chunk)
            else:
                loop.remove_reader(read_end)
            return bool(chunk)

        loop.add_reader(read_end, take)
        try:
            yield write_end
        finally:
            while take():
                pass
            loop.remove_reader(read_end)
            os.close(read_end)
            self._output.finish()

    async def ready(self, interrupted: Callable[[], None] = lambda: None) -> None:
        """Wait until the process is ready; `interrupted` raises when there is no more reason to wait."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.program.ready_within_s
        while True:
            interrupted()
            if self.exit_code is not None:
                raise StartError(
                    f"{self.program.title} ended while starting ({describe(self.exit_code)}).", self.last_lines()
                )
            if self.program.ready is None or await self.program.ready(self._output):
                self._was_ready = True
                return
            if loop.time() > deadline:
                raise StartError(
                    f"{self.program.title} was not ready within {self.program.ready_within_s:g} s.", self.last_lines()
                )
            await asyncio.sleep(POLL_S)

    async def finished(self, interrupted: Callable[[], None]) -> None:
        """Wait for the end of a process that has one thing to do."""
        while self.exit_code is None:
            interrupted()
            await asyncio.sleep(POLL_S)
        if self.exit_code != 0:
            raise StartError(f"{self.program.title} failed ({describe(self.exit_code)}).", self.last_lines())

    def last_lines(self) -> list[str]:
        """Return the end of the process's output."""
        return self._output.last_lines()

    def stop(self) -> None:
        """Ask the process to end, and do not start it again."""
        self._output.shown = False
        self._stop.set()

    def kill(self) -> None:
        """End the process at once."""
        self._stop.set()
        self._kill.set()


def describe(code: int) -> str:
    """Return an exit code in words."""
    if code < 0:
        try:
            return f"by {signal.Signals(-code).name}"
        except ValueError:
            return f"by signal {-code}"
    return f"exit code {code}"
