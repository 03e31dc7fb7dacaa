"""Routes and services of an API in a real browser, and that the gateway does what the page has said."""

from collections.abc import Iterator

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack, free_ports, wait_until

ROWS = "#api-routes [data-sortable] > li"


@pytest.fixture(scope="module")
def instance(stack: Stack) -> Iterator[dict[str, str]]:
    """An API of its own, on the demo's orders service."""
    client = stack.rest("routes")
    other = next(each for each in client.get("/api-instances/").json()["results"] if each["base_path"] == "/orders")
    new = {
        **{name: other[name] for name in ("environment", "gateway", "port", "implementation_url")},
        "new_api": {"name": "Routed", "version": "v1"},
        "base_path": "/routed",
    }
    made = client.post("/api-instances/", json=new).json()
    wait_until(lambda: httpx.get(f"{stack.gateway}/routed/").status_code != 404, seconds=15, what="the API")
    yield made
    assert client.delete(f"/api-instances/{made['id']}/").status_code == 204
    api = client.get(f"/api-versions/{made['api_version']}/").json()["api"]
    assert client.delete(f"/apis/{api}/").status_code == 204


@pytest.fixture
def page(browser: Browser, stack: Stack, instance: dict[str, str]) -> Iterator[Page]:
    """The page of the API."""
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, base_url=stack.portal)
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, stack)
    page.goto(f"{CONSOLE}/apis/{instance['id']}/")
    yield page
    context.close()


def names(page: Page) -> list[str]:
    """Return the routes from top to bottom."""
    found: list[str] = page.eval_on_selector_all(ROWS, "rows => rows.map(row => row.dataset.rowName)")
    return found


def test_a_route_is_added_tried_and_moved_and_the_gateway_does_what_was_said(page: Page, stack: Stack) -> None:
    page.get_by_role("link", name="Add route").click()
    page.get_by_label("Name").fill("nowhere")
    page.get_by_role("button", name="Add to Conditions").click()
    page.get_by_label("Headers").fill("X-Kind: lost")
    page.get_by_label("Path before the request’s").fill("/no/such/thing")
    page.get_by_role("button", name="Add route").click()
    expect(page.locator(ROWS)).to_have_count(2)
    assert names(page) == ["nowhere", "all requests"]

    page.get_by_role("link", name="Try a request").click()
    page.get_by_label("Path").fill("/routed/")
    page.get_by_label("Headers").fill("X-Kind: lost")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#found")).to_contain_text("/no/such/thing")
    lost = {"x-kind": "lost"}
    wait_until(
        lambda: httpx.get(f"{stack.gateway}/routed/", headers=lost).status_code == 404,
        seconds=10,
        what="what the page has said, from the gateway",
    )
    assert httpx.get(f"{stack.gateway}/routed/").status_code != 404

    page.get_by_role("link", name="Overview").click()
    button = page.get_by_role("button", name="Move nowhere down")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-order-said]")).to_have_text("nowhere is number 2 of 2.")
    assert names(page) == ["all requests", "nowhere"]
    expect(button).to_be_focused()


def test_a_target_that_fails_its_checks_is_seen_on_the_page(page: Page, stack: Stack, instance: dict[str, str]) -> None:
    (dead,) = free_ports(1)
    page.get_by_role("link", name="default").first.click()
    page.get_by_role("button", name="Add to Further targets").click()
    page.get_by_label("Address").fill(f"http://127.0.0.1:{dead}")
    page.locator("summary", has_text="Health check").click()
    check = page.locator("details", has=page.locator("summary", has_text="Health check"))
    expect(check.get_by_label("Interval")).to_be_hidden()
    check.get_by_label("Switched on").check()
    check.get_by_label("Interval").fill("0.2")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**/apis/{instance['id']}/")
    rest = stack.rest("targets")
    wait_until(
        lambda: (
            {f"127.0.0.1:{dead}": "unhealthy"}.items()
            <= {
                each["target"]: each["state"] for each in rest.get(f"/api-instances/{instance['id']}/targets/").json()
            }.items()
        ),
        seconds=20,
        what="that the target fails its checks",
    )
    page.reload()
    expect(page.locator("#targets")).to_contain_text("Unhealthy")
    assert httpx.get(f"{stack.gateway}/routed/").status_code != 503
