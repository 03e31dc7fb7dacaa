"""A staged change in a real browser: one API on two gateways, one replica takes the change first, and it is undone.

The second gateway has two replicas on this machine, and traffic runs to all three.
"""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
from playwright.sync_api import Page, expect

from tests.browser.look import findings
from tests.browser.test_registration import shown_command
from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import ROOT, Stack, free_ports, wait_until

BASE_PATH = "/catalog"
# How far the ports of the second replica are from those of the first.
OFFSET = 1


class Traffic:
    """Asks an address again and again, and keeps what it last answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                try:
                    self.seen.append(client.get(self.address).status_code)
                except httpx.TransportError:
                    self.seen.append(0)
                time.sleep(0.05)

    def begin(self) -> "Traffic":
        """Start."""
        self._thread.start()
        return self

    def end(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()


@contextmanager
def replica(start: list[str], folder: Path, *more: str) -> Iterator[None]:
    """Run a replica by the command of the console."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    folder.mkdir(exist_ok=True)
    with (folder / "gateway.log").open("wb") as log:
        gateway = subprocess.Popen(
            [*start, "--admin", "127.0.0.1:0", *more], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield
    finally:
        gateway.kill()
        gateway.wait()


@contextmanager
def second_gateway(stack: Stack, page: Page, port: int, folder: Path) -> Iterator[str]:
    """Add a gateway with two replicas by the commands of the console; the address of its page."""
    page.goto(f"{stack.portal}{CONSOLE}/gateways/new/")
    page.get_by_label("Name").fill("Fleet")
    page.get_by_label("Port").fill(str(port))
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_role("heading", name="Start a replica of Fleet")).to_be_visible()
    register, start = (shown_command(page, "Linux", number) for number in range(2))
    page.get_by_role("link", name="To the gateway’s page").click()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run(register, cwd=folder, env=environment, check=True, timeout=60)
    with ExitStack() as running:
        running.enter_context(replica(start, folder))
        second = [str(folder / part) if part == "registration.yaml" else part for part in start]
        running.enter_context(replica(second, folder / "second", "--port-offset", str(OFFSET)))
        expect(page.locator("#gateway-state")).to_have_text("Connected", timeout=60_000)
        yield page.url


def deployed(rest: httpx.Client, port: int) -> dict[str, Any]:
    """Deploy the API of the first gateway to the second one, too."""
    rows = rest.get("/api-instances/").json()["results"]
    first = next(each for each in rows if each["base_path"] == BASE_PATH)
    (gateway,) = rest.get("/gateways/", params={"slug": "fleet"}).json()["results"]
    same = ("environment", "api_version", "base_path", "implementation_url")
    body = {**{name: first[name] for name in same}, "gateway": gateway["id"], "port": port}
    made = rest.post("/api-instances/", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def two_ports() -> int:
    """Return a free port, of which that of the second replica is free too."""
    return next(port for port in free_ports(20) if is_free(port + OFFSET))


def is_free(port: int) -> bool:
    """Tell whether a port can be had."""
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def test_one_replica_takes_a_staged_change_and_it_is_undone(stack: Stack, page: Page, tmp_path: Path) -> None:
    port = two_ports()
    rest = stack.rest("staging")
    sign_in(page, stack)
    instance: dict[str, Any] = {}
    with second_gateway(stack, page, port, tmp_path) as gateway_page:
        instance = deployed(rest, port)
        replicas = [f"http://localhost:{number}{BASE_PATH}" for number in (port, port + OFFSET)]
        for address in replicas:
            wait_until(lambda a=address: answers(a) == 200, seconds=30, what=f"the API at {address}")
        ours, theirs = [Traffic(a).begin() for a in replicas], Traffic(f"{stack.gateway}{BASE_PATH}").begin()
        try:
            page.goto(f"{gateway_page}revisions/staging/")
            page.get_by_label("Stage changes first").check()
            chosen_by_keyboard(page)
            choice = page.get_by_role("combobox", name="Replica")
            expect(choice.locator("option")).to_have_count(3)
            choice.select_option(index=1)
            first = choice.input_value()
            assert findings(page) == []
            page.get_by_role("button", name="Save").click()
            page.wait_for_url(gateway_page)

            config = {"username": "fleet", "password": "a-long-enough-password"}
            body = {"instance": instance["id"], "policy": "http-basic-authentication", "config": config}
            staged = rest.post("/policy-bindings/", json=body)
            assert staged.status_code == 201, staged.text
            assert staged.headers["portico-remark"].startswith("change-staged")

            wait_until(lambda: [t.seen[-1] for t in ours].count(401) == 1, seconds=30, what="one replica to take it")
            taking = next(each for each in ours if each.seen[-1] == 401)
            going_on = next(each for each in ours if each is not taking)
            (running,) = rest.get("/running-revisions/", params={"gateway": instance["gateway"]}).json()
            assert [each["replica_id"] for each in running["replicas"] if each["candidate"]] == [first]
            page.reload()
            expect(page.get_by_role("heading", name="Staged change")).to_be_visible()
            expect(page.locator('[data-requests="candidate"]')).not_to_have_text("0", timeout=30_000)
            expect(page.locator('[data-requests="stable"]')).not_to_have_text("0", timeout=30_000)
            assert findings(page) == []

            page.get_by_role("button", name="Undo").click()
            wait_until(lambda: taking.seen[-1] == 200, seconds=30, what="the undo")
            expect(page.get_by_role("heading", name="Held on revision")).to_be_visible()
            expect(page.locator("#hold")).to_contain_text("Basic authentication")
            assert findings(page) == []
            # Nobody got anything else, on the other replica or on the other gateway.
            assert (set(taking.seen), set(going_on.seen), set(theirs.seen)) == ({200, 401}, {200}, {200})
        finally:
            for each in (*ours, theirs):
                each.end()
            assert rest.delete(f"/api-instances/{instance['id']}/").status_code == 204
            assert rest.delete(f"/gateways/{instance['gateway']}/").status_code == 204


def answers(address: str) -> int:
    """Return how an address answers, 0 where nobody does."""
    try:
        return httpx.get(address).status_code
    except httpx.TransportError:
        return 0


def chosen_by_keyboard(page: Page) -> None:
    """Choose one replica with the keys alone: what belongs to the other choice is passed over."""
    replica = page.get_by_role("combobox", name="Replica")
    percent = page.get_by_role("spinbutton", name="Share of the requests")
    expect(percent).to_be_visible()
    expect(replica).to_be_hidden()
    page.get_by_label("A share of the requests", exact=True).focus()
    page.keyboard.press("Tab")
    expect(percent).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("One replica", exact=True)).to_be_checked()
    expect(percent).to_be_hidden()
    page.keyboard.press("Tab")
    expect(replica).to_be_focused()
