"""A staged change in a real browser: one API on two gateways, one replica takes the change first, and it is undone."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
from playwright.sync_api import Page, expect

from tests.browser.look import findings
from tests.browser.test_registration import shown_command
from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import ROOT, Stack, free_ports, wait_until

BASE_PATH = "/catalog"


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
def second_gateway(stack: Stack, page: Page, port: int, folder: Path) -> Iterator[str]:
    """Add a gateway with one replica by the commands of the console; the address of its page."""
    page.goto(f"{stack.portal}{CONSOLE}/gateways/new/")
    page.get_by_label("Name").fill("Fleet")
    page.get_by_label("Port").fill(str(port))
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_role("heading", name="Start a replica of Fleet")).to_be_visible()
    register, start = (shown_command(page, "Linux", number) for number in range(2))
    page.get_by_role("link", name="To the gateway’s page").click()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run(register, cwd=folder, env=environment, check=True, timeout=60)
    with (folder / "gateway.log").open("wb") as log:
        gateway = subprocess.Popen(
            [*start, "--admin", "127.0.0.1:0"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        expect(page.locator("#gateway-state")).to_have_text("Connected", timeout=60_000)
        yield page.url
    finally:
        gateway.kill()
        gateway.wait()


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


def test_one_replica_takes_a_staged_change_and_it_is_undone(stack: Stack, page: Page, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    rest = stack.rest("staging")
    sign_in(page, stack)
    instance: dict[str, Any] = {}
    with second_gateway(stack, page, port, tmp_path) as gateway_page:
        instance = deployed(rest, port)
        here, there = f"http://localhost:{port}{BASE_PATH}", f"{stack.gateway}{BASE_PATH}"
        wait_until(lambda: httpx.get(here).status_code == 200, seconds=30, what="the API on both gateways")
        ours, theirs = Traffic(here).begin(), Traffic(there).begin()
        try:
            page.goto(f"{gateway_page}revisions/staging/")
            page.get_by_label("Stage changes first").check()
            page.get_by_label("One replica").check()
            page.get_by_label("Replica", exact=False).last.select_option(index=1)
            assert findings(page) == []
            page.get_by_role("button", name="Save").click()
            page.wait_for_url(gateway_page)

            config = {"username": "fleet", "password": "a-long-enough-password"}
            body = {"instance": instance["id"], "policy": "http-basic-authentication", "config": config}
            staged = rest.post("/policy-bindings/", json=body)
            assert staged.status_code == 201, staged.text
            assert staged.headers["portico-remark"].startswith("change-staged")

            wait_until(lambda: ours.seen[-1] == 401, seconds=30, what="the replica to take it")
            page.reload()
            expect(page.get_by_role("heading", name="Staged change")).to_be_visible()
            expect(page.locator('[data-requests="candidate"]')).not_to_have_text("0", timeout=30_000)
            assert findings(page) == []

            page.get_by_role("button", name="Undo").click()
            wait_until(lambda: ours.seen[-1] == 200, seconds=30, what="the undo")
            expect(page.get_by_role("heading", name="Held on revision")).to_be_visible()
            expect(page.locator("#hold")).to_contain_text("Basic authentication")
            assert findings(page) == []
            # Nobody got anything else, here or on the other gateway.
            assert (set(ours.seen), set(theirs.seen)) == ({200, 401}, {200})
        finally:
            ours.end()
            theirs.end()
            assert rest.delete(f"/api-instances/{instance['id']}/").status_code == 204
            assert rest.delete(f"/gateways/{instance['gateway']}/").status_code == 204
