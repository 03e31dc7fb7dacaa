"""A portal, its jobs, a Redis and a gateway with two workers, all real, on which one policy is changed and watched."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

from gateway_runtime.schema import keys
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess, call
from tests.integration.portal_home import PRELUDE, PortalHome
from tests.stack import ROOT, free_ports, wait_until

HEADER = "x-drill"
FURTHER = """
from django.db import transaction
with transaction.atomic():
    for number in {range!r}:
        version = base.make_api(gateway.environment.organization, f"Service {{number}}").versions.get()
        base.make_instance(gateway, version, base_path=f"/service-{{number}}", url="http://127.0.0.1:{backend}")
"""
APPLY = """
from django.test import Client
from portal.accounts.services import api_token_create
from portal.core.links import console_url
binding = policies.policy_apply(actor=ada, instance=instance, policy="header-injection",
                                config={"outboundHeaders": [{"key": "x-drill", "value": "0"}]})
client = Client()
client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
answer([str(binding.pk), client.session.session_key, api_token_create(user=ada, actor=ada, name="drill").secret,
        console_url(gateway, "publishing:deployment", gateway.pk)])
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the gateway's page says about the last change."""

    settled: bool
    state: str
    text: str


@dataclass
class Seen:
    """What callers got while something broke."""

    values: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)


class PublishPlace:
    """Everything that a publish goes through. `close()` ends it."""

    def __init__(self, folder: Path, *, backend: int, apis: int = 1, database_url: str = "") -> None:
        (folder / "redis").mkdir(mode=0o700)
        (folder / "portal").mkdir()
        self.holds = folder / "holds"
        self.holds.mkdir()
        self.redis = RedisServer(folder / "redis")
        self.redis.start()
        self.home = PortalHome(folder / "portal", self.redis.url, database_url)
        self.port, portal = free_ports(2)
        self.home.migrate()
        self.gateway = self.home.make_world(port=self.port, backend=backend)
        self.home.run(FURTHER.format(range=range(1, apis), backend=backend))
        self.binding, session, token, self.fragment = self.home.run(APPLY)
        self.value = 0
        self.home._start("worker", [sys.executable, str(Path(__file__).with_name("held_worker.py")), str(self.holds)])
        self.home.beat()
        self.home._start(
            "portal",
            [
                *(sys.executable, "-m", "gunicorn", "portal.wsgi", "--worker-class", "gthread", "--threads", "4"),
                *("--no-control-socket", "--bind", f"127.0.0.1:{portal}"),
            ],
        )
        base = f"http://127.0.0.1:{portal}"
        self.rest = httpx.Client(base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)
        self.browser = httpx.Client(base_url=base, cookies={"portico_session": session}, timeout=30)
        self.replica = GatewayProcess(folder, self.home.registration).start()
        wait_until(self._answers, seconds=60, what=f"the portal\n{self.home.log('portal')}")
        self.converged()

    def close(self) -> None:
        """End everything."""
        self.replica.kill()
        self.home.close()
        _kill(int((self.holds / "worker.pid").read_text()))
        self.redis.kill()

    def _answers(self) -> bool:
        try:
            return self.browser.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    # --- what is done -------------------------------------------------------------------------------------------

    def save(self) -> str:
        """Change the policy as somebody does by REST. Return the value that is to be enforced."""
        self.value += 1
        config = {"outboundHeaders": [{"key": HEADER, "value": str(self.value)}]}
        answer = self.rest.patch(f"/policy-bindings/{self.binding}/", json={"config": config})
        assert answer.status_code == 200, answer.text
        return str(self.value)

    def dies_saving(self, where: str) -> None:
        """Change the policy in a process that is killed `before_commit`, or `after_commit` before it sends a job."""
        kill = "import os, signal; die = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        begin = "from django.db import transaction\nwith transaction.atomic():\n"
        value = self.value + 1
        change = (
            "    policies.policy_update(actor=ada, binding=PolicyBinding.objects.get(), config="
            f"{{'outboundHeaders': [{{'key': '{HEADER}', 'value': '{value}'}}]}})\n"
        )
        script = (
            f"{kill}{begin}{change}    die()\n"
            if where == "before_commit"
            else f"{kill}{begin}    transaction.on_commit(die)\n{change}"
        )
        ended = subprocess.run(
            [sys.executable, "-c", PRELUDE + script], cwd=ROOT, env=self.home.environment, timeout=60, check=False
        )
        assert ended.returncode == -signal.SIGKILL
        self.value = value if where == "after_commit" else self.value

    @contextmanager
    def held_at(self, step: str) -> Iterator[None]:
        """Let the worker wait at a step for as long as this lasts. `save` inside, then `wait_at`."""
        (self.holds / f"hold-{step}").touch()
        try:
            yield
        finally:
            (self.holds / f"hold-{step}").unlink()
            (self.holds / f"at-{step}").unlink(missing_ok=True)

    def wait_at(self, step: str) -> None:
        """Wait until the worker is at the step."""
        wait_until((self.holds / f"at-{step}").exists, seconds=30, what=f"step {step}\n{self.home.log('worker')}")

    def kill_worker(self) -> None:
        """End the worker where it is. It is started again at once."""
        pid = int((self.holds / "worker.pid").read_text())
        _kill(pid)
        wait_until(
            lambda: (self.holds / "worker.pid").read_text() not in ("", str(pid)), seconds=10, what="another worker"
        )

    def lose_redis(self, *, data: bool) -> None:
        """End Redis as a power cut does; with `data`, what it had on disk is gone too."""
        self.redis.kill()
        if data:
            shutil.rmtree(self.redis.folder / "appendonlydir")

    # --- what is seen -------------------------------------------------------------------------------------------

    def page(self) -> Shown:
        """Return what the deployment panel of the gateway's page says now."""
        answer = self.browser.get(self.fragment)
        assert answer.status_code == 200, answer.text[-2000:]
        settled = re.search(r'data-settled="(yes|no)"', answer.text)
        state = re.search(r'class="state [^"]*">([^<]*)<', answer.text)
        assert settled, answer.text[:2000]
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
        return Shown(settled.group(1) == "yes", state.group(1) if state else "", text)

    def enforced(self) -> str:
        """Return the value that an answer of the gateway has."""
        return call(self.port, "/orders/1").headers.get(HEADER, "")

    def running(self) -> list[int]:
        """Return the revision that each worker of the gateway runs."""
        return [worker["revision"] for worker in self.replica.revision()["workers"]]

    def newest(self) -> int:
        """Return the newest revision that has a row."""
        return int(self.home.value("select coalesce(max(number), 0) from publishing_revision"))

    @contextmanager
    def traffic(self) -> Iterator[Seen]:
        """Call the API all the time, and note what comes."""
        seen, done = Seen(), threading.Event()

        def run() -> None:
            while not done.wait(0.02):
                answer = call(self.port, "/orders/1")
                if answer.status != 200:
                    seen.wrong.append(f"{answer.status} {answer.body[:200]!r}")
                seen.values.append(answer.headers.get(HEADER, ""))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            done.set()
            thread.join()

    def converged(self) -> Shown:
        """Wait until the page says that the change is live, and check that it never says so before it is true."""
        end = time.monotonic() + 45
        while True:
            shown = self.page()
            if shown.settled and shown.state != "No replica connected":
                newest = self.newest()
                assert self.running() == [newest, newest], (shown, self.running(), newest)
                assert self.enforced() == str(self.value), shown
                return shown
            assert time.monotonic() < end, (shown, self.home.log("worker"))
            time.sleep(0.1)

    def faults(self) -> list[str]:
        """Return what is not whole at the end: tallies, numbers, and what Redis has beside what the rows say."""
        found = []
        tally = self.home.rows("select requested - published, error from publishing_publishrequest")[0]
        rows = self.home.rows("select number, envelope from publishing_revision order by created_at")
        if tuple(tally) != (0, ""):
            found.append(f"the request is left at {tally}")
        numbers = [number for number, _ in rows]
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(f"numbers {numbers}")
        with self.redis.client() as client:
            pointer = int(client.get(keys.pointer(self.gateway)) or 0)
            blob = client.get(keys.revision(self.gateway, pointer))
        if pointer != numbers[-1]:
            found.append(f"Redis points to {pointer}, the newest is {numbers[-1]}")
        elif blob != bytes(rows[-1][1]):
            found.append("Redis has another envelope than the row")
        return found


# In order. Before “sent” no gateway can know of the change.
BEFORE_SENT = ("started", "built", "numbered", "committed", "half_sent")
STEPS = (*BEFORE_SENT, "sent", "recorded", "finished")


@contextmanager
def drill(place: PublishPlace) -> Iterator[Seen]:
    """Watch traffic and page through a drill, and check that everything is whole at its end."""
    place.redis.start()  # an earlier drill may have ended without it
    before, was = place.newest(), str(place.value)
    with place.traffic() as seen:
        yield seen
        place.converged()
        # Every worker enforces it; whoever calls from now on gets nothing else.
        at_the_end = len(seen.values)
        wait_until(lambda: len(seen.values) > at_the_end + 3, seconds=10, what="more calls")
    assert seen.wrong == []
    assert set(seen.values) <= {was, str(place.value)}
    assert set(seen.values[at_the_end + 1 :]) == {str(place.value)}
    assert place.newest() >= before
    wait_until(lambda: place.faults() == [], seconds=15, what=f"a whole end: {place.faults()}")


def still_on_its_way(place: PublishPlace, step: str, was: str) -> None:
    """Check that the page does not say that it is done, and that nobody enforces what is not sent."""
    if step in BEFORE_SENT:
        shown = place.page()
        assert not shown.settled, shown
        assert shown.state == "Publishing"
        assert place.enforced() == was
    elif (shown := place.page()).settled:
        assert place.enforced() == str(place.value)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
