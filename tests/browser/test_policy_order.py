"""The policies of an API in their order: by keyboard, where the focus stays and the place is said, and by dragging."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack

ROWS = "[data-sortable] > li"
LIMIT = {"rateLimits": [{"maximumRequests": 1000, "timePeriodInMilliseconds": 1000}]}
POLICIES = {
    "cors": {},
    "rate-limiting": LIMIT,
    "header-injection": {"inboundHeaders": [{"key": "x-order", "value": "1"}]},
}


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The policies of an API of its own that has three, of which CORS is one."""
    client = stack.rest("policy-order")
    other = client.get("/api-instances/").json()["results"][0]
    new = {
        **{name: other[name] for name in ("environment", "gateway", "port", "implementation_url")},
        "new_api": {"name": "In order", "version": "v1"},
        "base_path": "/in-order",
    }
    instance = client.post("/api-instances/", json=new).json()["id"]
    for policy, config in POLICIES.items():
        body = {"instance": instance, "policy": policy, "config": config, "mode": "off"}
        assert client.post("/policy-bindings/", json=body).status_code == 201
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, base_url=stack.portal)
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, stack)
    page.goto(f"{CONSOLE}/apis/{instance}/policies/")
    yield page
    context.close()
    api = client.get(f"/api-versions/{client.get(f'/api-instances/{instance}/').json()['api_version']}/").json()["api"]
    assert client.delete(f"/api-instances/{instance}/").status_code == 204
    assert client.delete(f"/apis/{api}/").status_code == 204


def names(page: Page) -> list[str]:
    """Return the policies from top to bottom."""
    found: list[str] = page.eval_on_selector_all(ROWS, "rows => rows.map(row => row.dataset.rowName)")
    return found


def test_a_policy_is_moved_by_keyboard_keeps_the_focus_at_the_end_and_its_place_is_said(page: Page) -> None:
    assert names(page) == ["CORS", "Rate limiting", "Header injection"]
    button = page.get_by_role("button", name="Move Rate limiting down")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-order-said]")).to_have_text("Rate limiting is number 3 of 3.")
    assert names(page) == ["CORS", "Header injection", "Rate limiting"]
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Enter")
    expect(button).to_be_focused()
    assert names(page) == ["CORS", "Header injection", "Rate limiting"]


def test_a_policy_is_dragged_to_its_place_and_never_before_cors(page: Page) -> None:
    grip = page.locator(ROWS).nth(2).locator("[data-grip]").bounding_box()
    first = page.locator(ROWS).nth(0).bounding_box()
    second = page.locator(ROWS).nth(1).bounding_box()
    assert grip is not None
    assert first is not None
    assert second is not None
    x = grip["x"] + grip["width"] / 2
    page.mouse.move(x, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(x, second["y"] + 5, steps=10)
    page.mouse.move(x, first["y"] + 5, steps=10)
    page.mouse.up()
    expect(page.locator("[data-order-said]")).to_have_text("Header injection is number 2 of 3.")
    page.reload()
    assert names(page) == ["CORS", "Header injection", "Rate limiting"]
