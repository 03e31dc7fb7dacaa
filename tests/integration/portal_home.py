"""A portal in a folder of its own: its database, scripts that act in it, and its real Celery processes."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from base64 import urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from tests.stack import ROOT

CELERY = [sys.executable, "-m", "celery", "-q", "-A", "portal"]
WORKER = [
    *CELERY, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "INFO",
    "--without-gossip", "--without-mingle",
]  # fmt: skip
# Scripts begin with this: Django, and the names that tests use.
PRELUDE = """
import json, sys, django
django.setup()
from portal.accounts.models import User
from portal.gateways.models import Gateway, Replica
from portal.policies.models import PolicyBinding
from portal.publishing.models import Acknowledgement, PublishRequest, Revision
from portal.publishing import selectors
from portal.policies import services as policies
from tests.portal import base
gateway = Gateway.objects.first()
instance = gateway.api_instances.first() if gateway else None
ada = User.objects.first()
def answer(value): print(json.dumps(value, default=str))
"""
WORLD = """
from portal.gateways.registration_tokens import gateway_register, registration_token_create
from pathlib import Path
import msgspec
ada = base.make_user("Ada Owner")
organization = base.make_organization(owner=ada)
environment = base.make_environment(organization)
environment.allow_private_targets = True
environment.save()
gateway = base.make_gateway(environment, port={port})
gateway.listeners.update(host="127.0.0.1")
version = base.make_api(organization).versions.get()
base.make_instance(gateway, version, url="http://127.0.0.1:{backend}")
token = registration_token_create(actor=ada, gateway=gateway).secret
path = Path({registration!r})
path.touch(mode=0o600)
path.write_bytes(msgspec.yaml.encode(gateway_register(name=gateway.slug, token=token)))
answer(str(gateway.pk))
"""


class PortalHome:
    """A portal without its web server."""

    def __init__(self, folder: Path, redis_url: str, database_url: str = "") -> None:
        self.folder = folder
        # Where SQLite keeps it, when no other database is named.
        self.database = folder / "portico.sqlite3"
        self._database_url = database_url
        self.registration = folder / "registration.yaml"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._commands: dict[int, tuple[str, list[str]]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")},
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTICO_HOME": str(folder),
            "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
            "PORTICO_KEY_RING": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "DATABASE_URL": database_url or f"sqlite:///{self.database}",
            "REDIS_URL": redis_url,
            "PYTHONPATH": str(ROOT),
        }

    def migrate(self) -> None:
        """Make the database."""
        self._run([sys.executable, "manage.py", "migrate", "--verbosity", "0"])

    def make_world(self, *, port: int, backend: int) -> str:
        """Make one gateway with one API, write its registration, and return the gateway's id."""
        script = WORLD.format(port=port, backend=backend, registration=str(self.registration))
        gateway: str = self.run(script)
        return gateway

    def run(self, script: str) -> Any:
        """Run a script in the portal and return what it gave to `answer`."""
        printed = self._run([sys.executable, "-c", PRELUDE + script])
        lines = printed.strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query."""
        if self._database_url:
            with psycopg.connect(self._database_url) as server:
                return server.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(query).fetchall()

    def value(self, query: str) -> Any:
        """Return the first column of the first row of a query."""
        rows = self.rows(query)
        return rows[0][0] if rows else None

    def worker(self) -> "subprocess.Popen[bytes]":
        """Start a Celery worker."""
        return self._start("worker", WORKER)

    def beat(self) -> "subprocess.Popen[bytes]":
        """Start Celery's clock, which starts the sweeps."""
        return self._start("beat", [*CELERY, "beat", "--schedule", str(self.folder / "beat")])

    def kill(self, name: str) -> None:
        """End what was started under a name, as a lack of memory would."""
        for process in self._processes:
            if process.poll() is None and self._commands[process.pid][0] == name:
                process.kill()
                process.wait()

    def restart_ended(self) -> None:
        """Start again what has ended by itself, as whoever supervises it does."""
        for process in [each for each in self._processes if each.poll() is not None]:
            self._processes.remove(process)
            self._start(*self._commands.pop(process.pid))

    def _start(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._processes.append(process)
        self._commands[process.pid] = (name, command)
        return process

    def log(self, name: str) -> str:
        """Return the end of what a process has logged."""
        path = self.folder / f"{name}.log"
        return path.read_text()[-4000:] if path.exists() else ""

    def close(self) -> None:
        """End every process that was started."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()
