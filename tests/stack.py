"""The whole product as `make up` starts it, in a home and on ports of its own, for tests against real processes."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx

from portal.cli.up.ports import pick_port

ROOT = Path(__file__).resolve().parent.parent
READY = "Portico is ready"


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different, and that no outgoing connection takes meanwhile."""
    ports: list[int] = []
    while len(ports) < count:
        ports.append(pick_port(avoid=ports))
    return ports


def wait_until(holds: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Return the first true value of `holds()`, asked ten times a second. Raises AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"Not within {seconds} s: {what}")
        time.sleep(0.1)


@dataclass
class Stack:
    """One running copy. `start()` returns when its box is printed; `stop()` sends what Ctrl-C sends."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    email: str = "ada@example.com"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.portal_port, self.gateway_port, self.admin_port = free_ports(3)

    @property
    def portal(self) -> str:
        """Where the console is."""
        return f"http://localhost:{self.portal_port}"

    @property
    def gateway(self) -> str:
        """Where the demo listener is."""
        return f"http://localhost:{self.gateway_port}"

    @property
    def admin(self) -> str:
        """Where the gateway's admin port is."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def output(self) -> Path:
        """What the launcher printed."""
        return self.home.parent / f"{self.home.name}.out"

    @property
    def database(self) -> Path:
        """Where its SQLite database is."""
        return self.home / "portico.sqlite3"

    def env(self) -> dict[str, str]:
        """Return the environment of everything that belongs to this copy."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith("PORTICO_") and k not in ("DATABASE_URL", "REDIS_URL")
        }
        return kept | {
            "PORTICO_HOME": str(self.home),
            "PORTICO_PORTAL_PORT": str(self.portal_port),
            "PORTICO_GATEWAY_PORT": str(self.gateway_port),
            "PORTICO_GATEWAY_ADMIN": f"127.0.0.1:{self.admin_port}",
            "PORTICO_ADMIN_EMAIL": self.email,
            "PORTICO_ADMIN_PASSWORD": self.password,
            "PORTICO_DEMO_TRAFFIC": "0",
            **self.environment,
        }

    def start(self, *, seconds: float = 120) -> "Stack":
        """Start everything and wait until it is ready."""
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.cli", "up"], cwd=ROOT, env=self.env(), stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_until(self._ready_or_ended, seconds=seconds, what=f"{READY!r} in {self.output}")
        return self

    def _ready_or_ended(self) -> bool:
        assert self.process is not None
        text = self.output.read_text(errors="replace")
        assert self.process.poll() is None, f"The launcher ended with {self.process.returncode}:\n{text[-4000:]}"
        return READY in text

    def stop(self) -> int:
        """Stop everything as Ctrl-C does. Return the launcher's exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=45)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process = None

    def pid_of(self, name: str) -> int:
        """Return the process id of one of the launcher's children, from its pid file."""
        return int((self.home / "run" / f"{name}.pid").read_text())

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` in this copy. Return what it printed."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env(),
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def api_token(self, name: str = "tests") -> str:
        """Return a new API token of the first owner."""
        return re.findall(r"portico_pat_\w+", self.manage("api_token", self.email, name))[0]

    def rest(self, name: str = "tests") -> httpx.Client:
        """Return a client of the REST API."""
        return httpx.Client(
            base_url=f"{self.portal}/api/v1", headers={"Authorization": f"Bearer {self.api_token(name)}"}, timeout=20
        )
