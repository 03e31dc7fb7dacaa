"""The walk of the README in a real browser, with real traffic: each numbered step is a step of one test.

It goes on from step to step, as a newcomer does; what one step makes, the next ones use.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
from playwright.sync_api import Browser, Page, expect

from tests.stack import ROOT, Stack

CONSOLE = "/console/harbour-goods/production"
API = "Parcel tracking"
BASE_PATH = "/parcels"
# The middle of five changes, because other work on the machine may hold up any one of them.
ENFORCED_WITHIN_S = 1.0
CREDENTIALS = ("warehouse", "correct-horse-battery")
DEVELOPER = {"name": "Dora Developer", "email": "dora@example.com", "password": "a quiet harbour in june"}

SPECIFICATION = """\
openapi: 3.1.0
info: {title: Parcel tracking, version: v1, description: Where a parcel is.}
paths:
  /categories:
    get:
      operationId: listCategories
      summary: List categories
      responses:
        "200": {description: Categories, content: {application/json: {schema: {type: object}}}}
"""


@contextmanager
def step(title: str) -> Iterator[None]:
    """Name what is being done, so that a failure says in which step of the walk it happened."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"In step {title}")
        raise


def sign_in(page: Page, stack: Stack) -> None:
    """Sign in as the first owner."""
    page.goto(f"{stack.portal}/sign-in/")
    page.get_by_label("E-mail").fill(stack.email)
    page.get_by_label("Password", exact=True).fill(stack.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/**")


def seconds_until(holds: Callable[[], bool], what: str) -> float:
    """Return how long it takes until `holds()`, looking twenty times a second."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 10, f"Not within 10 s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


def catalog_service(stack: Stack) -> str:
    """Return where the demo company's catalog service really is."""
    instances = stack.rest("walk").get("/api-instances/").json()["results"]
    return next(each["implementation_url"] for each in instances if each["base_path"] == "/catalog")


def test_the_walk(stack: Stack, page: Page, browser: Browser) -> None:
    """A newcomer meets every part once."""
    implementation = catalog_service(stack)
    resource = f"{stack.gateway}{BASE_PATH}/categories"
    client = httpx.Client(timeout=10)

    def status(**arguments: object) -> int:
        return client.get(resource, **arguments).status_code  # type: ignore[arg-type]

    with step("1: sign in; the checklist ticks itself from real state"):
        sign_in(page, stack)
        checklist = page.locator("#checklist")
        expect(checklist.get_by_role("listitem").filter(has_text="gateway").first).to_contain_text("(done)")
        expect(checklist.get_by_role("listitem").filter(has_text="policy").first).to_contain_text("(not done yet)")

    with step("2: the gateway is connected; stopped it is shown as disconnected within 15 s; started it is back"):
        page.goto(f"{stack.portal}{CONSOLE}/gateways/")
        row = page.get_by_role("row").filter(has_text="Demo")
        expect(row).to_contain_text("Connected")
        row.get_by_role("link", name="Demo").click()
        live = page.locator("#gateway-live")
        expect(live.get_by_role("row").nth(1)).to_contain_text("0.1.0")
        expect(live).to_contain_text("Last contact")
        os.kill(stack.pid_of("gateway"), signal.SIGTERM)
        expect(page.locator("#gateway-state")).to_have_text("Disconnected", timeout=15_000)
        log = (stack.home.parent / "gateway-again.log").open("wb")
        again = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "gateway", "start"], cwd=ROOT, env=stack.env(), stdout=log, stderr=log
        )
        try:
            expect(page.locator("#gateway-state")).to_have_text("Connected", timeout=15_000)
            rest_of_the_walk(stack, page, browser, client, implementation, status)
        finally:
            again.send_signal(signal.SIGINT)
            again.wait(timeout=30)
            log.close()


def rest_of_the_walk(
    stack: Stack,
    page: Page,
    browser: Browser,
    client: httpx.Client,
    implementation: str,
    status: Callable[..., int],
) -> None:
    """Go on with the third step, while the gateway runs."""
    times: list[float] = []  # from a change in the console to its effect on traffic
    with step("3: add an API from a specification, with an endpoint, and deploy it"):
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
        page.get_by_label("Base path").fill("/catalog")
        expect(page.get_by_text("up to its base path, not a resource")).to_be_visible()
        page.get_by_label("Implementation URL").fill(implementation)
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_text(re.compile("Catalog 1.0.3 overlap on port")).first).to_be_visible()
        page.get_by_label("Base path").fill(BASE_PATH)
        page.get_by_role("button", name="Next").click()
        page.get_by_role("button", name="Deploy").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(API)
        deployment = page.locator("#deployment")
        expect(deployment).to_contain_text("took it in")
        expect(deployment).to_have_attribute("data-settled", "yes")
        instance_url = page.url

    with step("4: the same answer through the gateway as from the upstream"):
        direct, through = (
            client.get(f"{implementation}/categories"),
            client.get(f"{stack.gateway}{BASE_PATH}/categories"),
        )
        assert (through.status_code, through.json()) == (200, direct.json())

    with step("5: Basic Authentication is enforced in under a second, and as fast disabled, edited and removed"):
        page.get_by_role("link", name="Policies", exact=True).first.click()
        page.get_by_role("link", name="Add policy").first.click()
        page.get_by_label("Search policies").fill("basic")
        page.get_by_role("link", name=re.compile("Basic authentication")).click()
        page.get_by_label("User name").fill(CREDENTIALS[0])
        page.get_by_label("Password").fill(CREDENTIALS[1])
        page.get_by_role("button", name="Apply").last.click()
        times.append(seconds_until(lambda: status() == 401, "401 without credentials"))
        assert client.get(f"{stack.gateway}{BASE_PATH}/categories").headers["www-authenticate"].startswith("Basic ")
        assert status(auth=CREDENTIALS) == 200
        page.get_by_role("button", name="Disable").click()
        times.append(seconds_until(lambda: status() == 200, "200 after disabling"))
        page.get_by_role("button", name="Enable").click()
        times.append(seconds_until(lambda: status() == 401, "401 after enabling"))
        page.get_by_role("link", name="Edit Basic authentication").click()
        expect(page.get_by_label("Password")).to_have_value("")
        page.get_by_label("User name").fill("somebody")
        page.get_by_role("button", name="Save").last.click()
        times.append(seconds_until(lambda: status(auth=("somebody", CREDENTIALS[1])) == 200, "200 with the new name"))
        assert status(auth=CREDENTIALS) == 401

    with step("6: analytics name the policy that refused, within ten seconds"):
        page.get_by_role("link", name="Analytics", exact=True).last.click()
        figures = page.locator("#figures")
        expect(figures).to_contain_text("Basic authentication", timeout=10_000)
        expect(figures).to_contain_text("basic_credentials_missing")
        expect(page.locator("[data-chart=requests] svg")).to_be_visible()
        expect(figures).to_contain_text("0 on their way, 0 lost", timeout=15_000)  # served = stored + waiting + lost
        page.goto(f"{stack.portal}/")
        expect(page.locator("#checklist")).to_contain_text("All first steps are done")

    with step("5, its end: removed, it lets everybody in again"):
        page.goto(f"{instance_url}")
        page.get_by_role("link", name="Policies", exact=True).first.click()
        page.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        times.append(seconds_until(lambda: status() == 200, "200 after removing"))

        assert statistics.median(times) < ENFORCED_WITHIN_S

    with step("7, its preparation: the API is public, has two plans, and asks for client credentials"):
        publish_in_the_hub(stack, page, instance_url)
        seconds_until(lambda: status() == 401, "401 without client credentials")

    with step("7: a stranger registers, reads, tries, asks for access and calls"):
        stranger = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        stranger.set_default_timeout(15_000)
        first, second = developer_hub(stack, stranger)
        call = f"{stack.gateway}{BASE_PATH}/categories"
        seconds_until(lambda: client.get(call, headers=first).status_code == 200, "200 with an automatic contract")
        assert status() == 401
        assert client.get(call, headers={**first, "client_secret": "wrong"}).status_code == 401
        seconds_until(lambda: client.get(call, headers=second).status_code == 403, "403 while the contract waits")

    with step("7, its end: the owner approves the other plan"):
        page.goto(f"{stack.portal}{CONSOLE}/contracts/")
        page.get_by_role("row").filter(has_text="Second app").get_by_role("button", name="Approve").click()
        seconds_until(lambda: client.get(call, headers=second).status_code == 200, "200 once approved")

    with step("8: steps 3 and 5 once more with curl and a token made in the console"):
        rest_with_curl(stack, page, client, implementation)


def rest_with_curl(stack: Stack, page: Page, client: httpx.Client, implementation: str) -> None:
    """Deploy an API and put a policy on it from a shell."""
    page.goto(f"{stack.portal}/account/api-tokens/")
    page.get_by_role("link", name="New API token").first.click()
    page.get_by_label("Name", exact=True).fill("laptop")
    page.get_by_role("button", name=re.compile("Create|Make|Save")).click()
    shown = page.locator("main").inner_text()
    token = re.search(r"portico_pat_\w+", shown)
    assert token, shown

    def curl(path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        command = ["curl", "--silent", "--show-error", "--fail-with-body", f"{stack.portal}/api/v1{path}"]
        command += ["--header", f"Authorization: Bearer {token[0]}"]
        if body is not None:
            command += ["--json", json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    gateway = curl("/gateways/")["results"][0]
    instance = curl(
        "/api-instances/",
        {
            "environment": gateway["environment"],
            "gateway": gateway["id"],
            "new_api": {"name": "Parcels by pipeline", "version": "v1"},
            "port": stack.gateway_port,
            "base_path": "/pipeline",
            "implementation_url": implementation,
        },
    )
    address = f"{stack.gateway}/pipeline/categories"
    seconds_until(lambda: client.get(address).status_code == 200, "200 from what the pipeline deployed")
    username, password = CREDENTIALS
    curl(
        "/policy-bindings/",
        {
            "instance": instance["id"],
            "policy": "http-basic-authentication",
            "config": {"username": username, "password": password},
        },
    )
    seconds_until(lambda: client.get(address).status_code == 401, "401 from the pipeline's policy")
    assert client.get(address, auth=CREDENTIALS).status_code == 200
    assert curl("/openapi.json")["openapi"].startswith("3.1")


def publish_in_the_hub(stack: Stack, page: Page, instance_url: str) -> None:
    """Make the API public, give it a plan of each kind, and enforce client IDs; the console's own pages do it."""
    rest = stack.rest("walk")
    instance = next(each for each in rest.get("/api-instances/").json()["results"] if each["base_path"] == BASE_PATH)
    page.goto(f"{stack.portal}{CONSOLE}/catalog/")
    page.get_by_role("link", name=API).first.click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Visibility").select_option("public")
    page.get_by_role("button", name="Save").click()
    for name, approval in (("Free", "Automatic"), ("Gold", "Manual")):
        page.goto(instance_url)
        page.get_by_role("link", name="Add tier").first.click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("radio", name=re.compile(f"^{approval}")).check()
        page.get_by_role("button", name="Add tier").click()
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    page.goto(instance_url)
    page.get_by_role("link", name="Policies", exact=True).first.click()
    page.get_by_role("link", name="Add policy").first.click()
    page.get_by_role("link", name=re.compile("Client ID enforcement")).click()
    page.get_by_role("button", name="Apply").last.click()
    expect(page.locator("#applied-policies")).to_contain_text("Client ID enforcement")
    assert instance["id"] in instance_url


def developer_hub(stack: Stack, page: Page) -> tuple[dict[str, str], dict[str, str]]:
    """Be a stranger who registers and asks for both plans. Return the credentials of the two applications."""
    page.goto(f"{stack.portal}/hub/")
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Name").fill(DEVELOPER["name"])
    page.get_by_label("E-mail").fill(DEVELOPER["email"])
    for field in page.get_by_label(re.compile("password", re.IGNORECASE)).all():
        if field.evaluate("element => element.tagName") == "INPUT":
            field.fill(DEVELOPER["password"])
    page.get_by_role("button", name=re.compile("Create|Register")).click()
    page.get_by_role("searchbox").fill("parcel")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=API).click()
    page.get_by_role("link", name=re.compile("Reference and try it")).click()
    page.get_by_role("button", name=re.compile("Test Request")).first.click()
    page.get_by_role("button", name=re.compile("Send")).first.click()
    expect(page.get_by_text("401 Unauthorized").first).to_be_visible()  # the real gateway asks for credentials
    return ask_for_access(page, stack, "First app", "Free"), ask_for_access(page, stack, "Second app", "Gold")


def ask_for_access(page: Page, stack: Stack, application: str, plan: str) -> dict[str, str]:
    """Ask for a plan with a new application. Return its credentials as they are shown, once."""
    page.goto(f"{stack.portal}/hub/?q=parcel")
    page.get_by_role("link", name=API).click()
    page.get_by_role("link", name="Request access").click()
    page.get_by_text("Create a new application").click()
    page.get_by_label("Name of the new application").fill(application)
    page.get_by_role("radio", name=re.compile(plan)).check()
    page.get_by_role("button", name="Request access").click()
    shown = page.locator("main").inner_text()
    command = re.search(r"client_id: ?(\S+?)['\"].*?client_secret: ?(\S+?)['\"]", shown, re.DOTALL)
    assert command, shown
    return {"client_id": command[1], "client_secret": command[2]}
