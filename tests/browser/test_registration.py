"""A second gateway on this machine, from *Add gateway* to its end, by the commands that the console shows."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from gateway_runtime.schema.revocation import EXIT_STATUS
from tests.browser.look import findings
from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import ROOT, Stack, free_ports


def shown_command(page: Page, platform: str, number: int) -> list[str]:
    """Return one command of a platform, with the Python of these tests."""
    section = page.get_by_role("region", name=platform)
    text = section.locator("code").nth(number).inner_text()
    return [sys.executable if word == "python" else word for word in shlex.split(text)]


def test_a_second_gateway_is_registered_connects_and_is_revoked(stack: Stack, page: Page, tmp_path: Path) -> None:
    sign_in(page, stack)
    page.goto(f"{stack.portal}{CONSOLE}/gateways/new/")
    page.get_by_label("Name").fill("Second")
    page.get_by_label("Port").fill(str(free_ports(1)[0]))
    page.get_by_role("button", name="Add gateway").click()
    expect(page.get_by_role("heading", name="Start a replica of Second")).to_be_visible()
    assert findings(page) == []
    register, start = (shown_command(page, "Linux", number) for number in range(2))
    page.get_by_role("link", name="To the gateway’s page").click()
    expect(page.get_by_text("Never seen")).to_be_visible()

    # A machine that has the package and nothing of this portal.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run(register, cwd=tmp_path, env=environment, check=True, timeout=60)
    assert (tmp_path / "registration.yaml").stat().st_mode & 0o777 == 0o600
    with (tmp_path / "gateway.log").open("wb") as log:
        gateway = subprocess.Popen(
            [*start, "--admin", "127.0.0.1:0"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        expect(page.locator("#gateway-state")).to_have_text("Connected", timeout=60_000)
        expect(page.get_by_role("cell", name="up to date")).to_be_visible(timeout=30_000)

        page.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("textbox").fill("Second")
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(page.locator("#gateway-state")).to_have_text("Revoked")
        assert gateway.wait(timeout=30) == EXIT_STATUS, (tmp_path / "gateway.log").read_text()
    finally:
        gateway.kill()
        gateway.wait()
        rest = stack.rest("registration")
        (second,) = rest.get("/gateways/", params={"slug": "second"}).json()["results"]
        assert rest.delete(f"/gateways/{second['id']}/").status_code == 204
