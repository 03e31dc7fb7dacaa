"""Several processes record at the same time, some end in the middle: there is one chain, with everything in it."""

import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.postgresql import PostgresServer
from tests.stack import wait_until

pytestmark = pytest.mark.integration

WRITERS, EVENTS = 3, 40

# Half of the changes are taken back; two events lie in each transaction.
WRITE = """
import sys, django
django.setup()
from django.db import transaction
from portal.audit.services import audit_record
from portal.organizations.models import Organization
target = Organization.objects.get(slug="harbour")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[1])):
    with transaction.atomic():
        for part in ("first", "second"):
            audit_record(actor=None, action="a.b", target=target, after={"number": number, "part": part})
        transaction.set_rollback(number % 2 == 1)
"""
BEGIN = """
import django
django.setup()
from django.core.management import call_command
from portal.organizations.models import Organization
call_command("migrate", verbosity=0)
Organization.objects.create(name="Harbour", slug="harbour")
"""
COUNT = """
import django
django.setup()
from portal.audit.models import AuditEvent, AuditSeal
print(AuditEvent.objects.count(), AuditSeal.objects.count())
"""


class Portal:
    """Processes with one database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTICO_HOME": str(folder),
            "PORTICO_SECRET_KEY": secrets.token_urlsafe(50),
            "PORTICO_KEY_RING": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://:unused@127.0.0.1:1/0",
        }
        self.run("-c", BEGIN)

    def run(self, *arguments: str) -> str:
        """Run Python to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def writer(self, events: int) -> subprocess.Popen[str]:
        """Return a process that writes once it is told to."""
        return subprocess.Popen(
            [sys.executable, "-c", WRITE, str(events)], env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def counts(self) -> tuple[int, int]:
        """Return how many events there are, and how many have a place."""
        events, seals = self.run("-c", COUNT).split()
        return int(events), int(seals)

    def verified(self) -> str:
        """Return what the verification says; it fails where it finds a fault."""
        return self.run("-m", "portal.cli", "audit", "verify")


@pytest.fixture(params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal's database."""
    if request.param == "sqlite":
        yield Portal(tmp_path, f"sqlite:///{tmp_path / 'portico.sqlite3'}")
        return
    server = PostgresServer()
    server.start()
    yield Portal(tmp_path, server.url)
    server.remove()


def told(writer: subprocess.Popen[str]) -> None:
    """Tell a process to begin."""
    assert writer.stdin is not None
    writer.stdin.write("\n")
    writer.stdin.flush()


def ready(writer: subprocess.Popen[str]) -> None:
    """Wait until it can begin."""
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"


def test_writers_at_the_same_time_make_one_chain(portal: Portal) -> None:
    writers = [portal.writer(EVENTS) for _ in range(WRITERS)]
    for each in writers:
        ready(each)
    for each in writers:
        told(each)
    assert [each.wait(timeout=60) for each in writers] == [0] * WRITERS
    # Two events in each transaction, and half of these were taken back.
    assert portal.counts() == (WRITERS * EVENTS, WRITERS * EVENTS)
    assert f"{WRITERS * EVENTS} entries are what was recorded" in portal.verified()


def test_what_a_killed_writer_left_gets_its_place(portal: Portal) -> None:
    writers = [portal.writer(100_000) for _ in range(2)]
    for each in writers:
        ready(each)
        told(each)
    wait_until(lambda: portal.counts()[0] > 20, seconds=60, what="events")
    for each in writers:
        each.kill()
        each.wait()
    events, sealed = portal.counts()
    assert events >= sealed
    assert f"{events} entries are what was recorded" in portal.verified()
    assert portal.counts() == (events, events)
