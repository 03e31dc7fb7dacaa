"""All processes of a run: started in order, stopped in reverse."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from portal.cli.up.backoff import BackOff
from portal.cli.up.errors import StopRequested
from portal.cli.up.process import Child
from portal.cli.up.program import Program
from portal.cli.up.terminal import Terminal


class Supervisor:
    """Starts programs, keeps them running and ends them. Used within its own `async with`."""

    def __init__(self, home: Path, terminal: Terminal, backoff: Callable[[], BackOff] = BackOff) -> None:
        self._home = home
        self._terminal = terminal
        self._backoff = backoff
        self._children: list[tuple[Child, asyncio.Task[None]]] = []
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Supervisor":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.request_stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        for child, task in reversed(self._children):
            child.stop()
            await asyncio.wait({task})

    def request_stop(self) -> None:
        """Begin to stop; asked a second time, end everything at once."""
        if self._stop.is_set():
            for child, _ in self._children:
                child.kill()
        self._stop.set()

    def _interrupted(self) -> None:
        if self._stop.is_set():
            raise StopRequested

    def _spawn(self, program: Program, on_line: Callable[[str], None] | None = None) -> Child:
        child = Child(program, self._home, self._terminal, backoff=self._backoff(), on_line=on_line)
        self._children.append((child, asyncio.get_running_loop().create_task(child.run())))
        return child

    def begin(self, programs: Sequence[Program]) -> list[Child]:
        """Start programs side by side, without waiting for them."""
        self._interrupted()
        return [self._spawn(program) for program in programs]

    async def ready(self, children: Sequence[Child]) -> None:
        """Tick each process off, in order, when it is ready."""
        for child in children:
            with self._terminal.step(child.program.title):
                await child.ready(self._interrupted)

    async def start(self, programs: Sequence[Program]) -> None:
        """Start programs side by side and wait for them."""
        await self.ready(self.begin(programs))

    async def again(self, child: Child) -> Child:
        """End a process in order, and start its program anew."""
        self._interrupted()
        child.stop()
        await asyncio.wait({task for each, task in self._children if each is child})
        self._children = [(each, task) for each, task in self._children if each is not child]
        return self._spawn(child.program)

    async def complete(self, program: Program, on_line: Callable[[str], None]) -> None:
        """Run a program that ends by itself."""
        self._interrupted()
        await self._spawn(program, on_line).finished(self._interrupted)

    async def until(self, condition: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Ask again and again until something holds; say whether it did in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not await condition():
            self._interrupted()
            if loop.time() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    async def wait(self) -> None:
        """Wait until somebody asks to stop."""
        await self._stop.wait()
