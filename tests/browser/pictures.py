"""Take the pictures of the README from the running product: `make pictures`.

    python -m tests.browser.pictures --minutes 5

A copy of the product is started in a home of its own with the demo company's traffic, the walk is done in a real
browser, and each picture is what the page showed then. Nothing on a page is changed for its picture.
"""

import argparse
import itertools
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx2 as httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from portal.cli.up.ports import port_is_free
from tests.browser.conftest import ARGUMENTS, STEP_TIMEOUT_MS, chromium_path
from tests.browser.test_walk import API, BASE_PATH, CONSOLE, CREDENTIALS, SPECIFICATION, catalog_service, sign_in
from tests.stack import ROOT, Stack

PICTURES = ROOT / "portal" / "docs" / "pages" / "images"
SIZE = {"width": 1440, "height": 900}
# A page of documentation should not cost more to load than the page it shows.
LARGEST_BYTES = 150_000
# Charts and pictures of a page are drawn within this time.
REST_MS = 800
USUAL_PORTS = (8000, 8080, 9998)
DEVELOPER = ("Dora Novak", "dora@example.com", "a quiet harbour in june")


class Caller(threading.Thread):
    """Somebody who calls the new API about four times a second; every sixth call has no credentials."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.ended = threading.Event()

    def run(self) -> None:
        """Call until told to end."""
        with httpx.Client(timeout=10) as client:
            for number in itertools.count():
                if self.ended.wait(0.25):
                    return
                path = "/categories" if number % 9 else "/OLD-17"
                client.get(self.address + path, auth=None if number % 6 == 0 else CREDENTIALS)


def save(page: Page, name: str) -> None:
    """Take one picture, once the page has come to rest."""
    page.mouse.move(0, 0)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.wait_for_timeout(REST_MS)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}  {size / 1000:.0f} kB", flush=True)
    if size > LARGEST_BYTES:
        raise SystemExit(f"{path} is larger than {LARGEST_BYTES} bytes.")


def new_page(browser: Browser) -> Page:
    """Return a page of a fresh person at a desk."""
    context = browser.new_context(viewport=SIZE, color_scheme="light", device_scale_factor=1, locale="en-GB")  # type: ignore[arg-type]
    context.set_default_timeout(STEP_TIMEOUT_MS)
    return context.new_page()


def home_and_gateway(stack: Stack, page: Page) -> None:
    """Steps 1 and 2; what has come in by then is on both pages."""
    sign_in(page, stack)
    # The traffic that the demo company makes by itself ticks these off.
    expect(page.locator("#checklist").get_by_role("listitem").filter(has_text="(done)")).to_have_count(4)
    page.goto(f"{stack.portal}{CONSOLE}/gateways/")
    page.get_by_role("row").filter(has_text="Demo").get_by_role("link", name="Demo").click()
    expect(page.locator("#gateway-state")).to_have_text("Connected")
    save(page, "gateway")
    page.goto(stack.portal)
    save(page, "home")


def add_api(stack: Stack, page: Page) -> None:
    """Step 3."""
    implementation = catalog_service(stack)
    page.goto(f"{stack.portal}{CONSOLE}/apis/")
    page.get_by_role("link", name="Add API").first.click()
    page.get_by_role("radio", name=re.compile("Demo")).check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name=re.compile("from its OpenAPI specification")).check()
    page.get_by_label("File").set_input_files(
        {"name": "parcels.yaml", "mimeType": "application/yaml", "buffer": SPECIFICATION.encode()}
    )
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Port", exact=True).fill(str(stack.gateway_port))
    page.get_by_label("Base path").fill(BASE_PATH)
    page.get_by_label("Implementation URL").fill(implementation)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(API)
    expect(page.locator("#deployment")).to_have_attribute("data-settled", "yes")
    save(page, "add-api")


def policies(page: Page) -> None:
    """Step 5, on the API of step 3."""
    page.get_by_role("link", name="Policies", exact=True).first.click()
    page.get_by_role("link", name="Add policy").first.click()
    page.get_by_role("link", name=re.compile("Basic authentication")).click()
    page.get_by_label("User name").fill(CREDENTIALS[0])
    page.get_by_label("Password").fill(CREDENTIALS[1])
    save(page, "policy-form")
    page.get_by_role("button", name="Apply").last.click()
    expect(page.locator("#applied-policies")).to_contain_text("Basic authentication")
    expect(page.get_by_text(re.compile("took it")).first).to_be_visible()
    save(page, "policies")


def hub(stack: Stack, page: Page) -> None:
    """Step 7: a stranger reads and tries a public API of the demo company."""
    name, email, password = DEVELOPER
    page.goto(f"{stack.portal}/hub/")
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    for field in page.get_by_label(re.compile("password", re.IGNORECASE)).all():
        if field.evaluate("element => element.tagName") == "INPUT":
            field.fill(password)
    page.get_by_role("button", name=re.compile("Create|Register")).click()
    page.goto(f"{stack.portal}/hub/?q=catalog")
    page.get_by_role("link", name="Catalog", exact=True).click()
    save(page, "hub-api")
    page.get_by_role("link", name=re.compile("Reference and try it")).click()
    page.get_by_role("button", name=re.compile("Test Request")).first.click()
    page.get_by_role("button", name=re.compile("Send")).first.click()
    expect(page.get_by_text("200 OK").first).to_be_visible()
    save(page, "hub")


def analytics(page: Page, instance_url: str) -> None:
    """Step 6, once there is something to see."""
    page.goto(instance_url)
    page.get_by_role("link", name="Analytics", exact=True).last.click()
    page.get_by_role("link", name=re.compile("15 minutes")).click()
    expect(page.locator("#figures")).to_contain_text("Basic authentication")
    expect(page.locator("[data-chart=requests] svg")).to_be_visible()
    save(page, "analytics")


def take(stack: Stack, browser: Browser, minutes: float) -> None:
    """Do the walk and take every picture."""
    page = new_page(browser)
    home_and_gateway(stack, page)
    add_api(stack, page)
    instance_url = page.url
    caller = Caller(stack.gateway + BASE_PATH)
    caller.start()
    try:
        policies(page)
        hub(stack, new_page(browser))
        time.sleep(minutes * 60)
        analytics(page, instance_url)
    finally:
        caller.ended.set()
        caller.join(timeout=15)


def main() -> int:
    """Start the product, take the pictures, stop it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=5, help="how long calls are made before analytics (default 5)")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="portico-pictures-") as folder, sync_playwright() as playwright:
        stack = Stack(
            Path(folder) / "home",
            environment={"PORTICO_DEMO_TRAFFIC": "1"},
            email="grace.hopkins@harbourgoods.example",
        )
        if all(port_is_free("127.0.0.1", port) for port in USUAL_PORTS):
            stack.portal_port, stack.gateway_port, stack.admin_port = USUAL_PORTS
        stack.start()
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            take(stack, browser, options.minutes)
        finally:
            browser.close()
            stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
