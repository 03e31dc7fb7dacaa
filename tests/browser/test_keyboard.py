"""Everything by keyboard alone: where the focus is can be seen, Escape closes, and the focus comes back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack

FOCUS = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect(), style = getComputedStyle(element);
  return {
    name: element.tagName + " " + (element.textContent.trim().slice(0, 30) || element.name || element.className),
    marked: style.outlineStyle !== "none" || style.boxShadow !== "none",
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0,
  };
}"""


@pytest.fixture(scope="module")
def signed_in(stack: Stack, browser: Browser) -> StorageState:
    """The cookies of the owner."""
    context = browser.new_context()
    sign_in(context.new_page(), stack)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(browser: Browser, signed_in: StorageState, stack: Stack) -> Iterator[Page]:
    """A page of the owner, on a desktop."""
    context = browser.new_context(
        storage_state=signed_in,
        viewport={"width": 1440, "height": 900},
        base_url=stack.portal,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def shop(stack: Stack) -> str:
    """Return the address of the shop API in the console."""
    instances = stack.rest("keyboard").get("/api-instances/").json()["results"]
    return f"{CONSOLE}/apis/{next(each['id'] for each in instances if each['base_path'] == '/shop')}"


def tab_to(page: Page, what: str, *, most: int = 60) -> None:
    """Press Tab until the focused element matches a selector; every element on the way must show its focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        assert here["marked"], f"The focus is not marked on {here['name']}"
        assert here["seen"], f"The focus is out of sight on {here['name']}"
        if page.evaluate("selector => document.activeElement.matches(selector)", what):
            return
    raise AssertionError(f"Tab does not reach {what}")


@pytest.mark.parametrize("address", [f"{CONSOLE}/", "/hub/", "/docs/", "/account/"])
def test_the_skip_link_comes_first_and_leads_to_the_content(page: Page, address: str) -> None:
    """One press of Enter jumps over the navigation."""
    page.goto(address)
    tab_to(page, ".skip-link", most=1)
    expect(page.locator(".skip-link")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_focus_is_seen_all_the_way_through_a_page(page: Page, stack: Stack) -> None:
    """Nothing is skipped out of sight between the first link and the last button of an API's page."""
    page.goto(f"{shop(stack)}/")
    tab_to(page, "main a[href*='/tiers/of/']")


def test_the_environment_switcher_opens_closes_and_leads_on(page: Page) -> None:
    """Enter opens it, Escape closes it and gives the focus back, a link of it changes the environment."""
    page.goto(f"{CONSOLE}/")
    switcher = page.locator(".place summary")
    tab_to(page, ".place summary")
    page.keyboard.press("Enter")
    expect(page.locator(".place .menu-panel")).to_be_visible()
    tab_to(page, ".place a", most=1)
    page.keyboard.press("Escape")
    expect(page.locator(".place .menu-panel")).to_be_hidden()
    expect(switcher).to_be_focused()
    page.keyboard.press("Space")
    tab_to(page, ".place a[href$='/sandbox/']", most=4)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/")
    # Leaving a menu closes it.
    tab_to(page, ".menu-avatar")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".menu-end .menu-panel")).to_be_hidden()


def test_a_question_takes_the_focus_and_gives_it_back(page: Page, stack: Stack) -> None:
    """Escape in a dialog means no."""
    page.goto(f"{shop(stack)}/")
    stop = page.get_by_role("button", name="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert page.evaluate("() => document.querySelector('dialog[open]').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(stop).to_be_focused()
    expect(page.locator("h1")).to_contain_text("Active")


def test_a_policy_is_found_applied_switched_and_removed(page: Page, stack: Stack) -> None:
    """From the search to the removal; a refused form leads to its field."""
    page.goto(f"{shop(stack)}/policies/")
    page.get_by_role("link", name="Add policy").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/")
    tab_to(page, "[data-policy-search]")
    page.keyboard.type("rate")
    tab_to(page, "a.policy-card-body", most=3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Apply Rate limiting")

    tab_to(page, "main input[name$='maximumRequests']")
    page.keyboard.type("many")
    page.keyboard.press("Enter")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    tab_to(page, "[data-error-summary] a", most=1)
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.closest('.has-error') !== null")

    number = page.locator("main input[name$='maximumRequests']")
    number.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("1000")
    tab_to(page, "main input[name$='timePeriodInMilliseconds']", most=2)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("60000")
    # A row more takes the focus, and gives it back when it goes.
    tab_to(page, "[data-row-add]", most=3)
    page.keyboard.press("Enter")
    expect(number.nth(1)).to_be_focused()
    tab_to(page, "[data-row-remove]", most=3)
    page.keyboard.press("Enter")
    expect(page.locator("[data-row-add]").first).to_be_focused()
    number.focus()
    page.keyboard.press("Enter")

    applied = page.locator("#applied-policies")
    expect(applied).to_contain_text("Rate limiting")
    page.get_by_role("button", name=re.compile("^Disable")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Enable"))).to_be_focused()
    tab_to(page, "form[data-confirm] button", most=4)
    page.keyboard.press("Enter")
    tab_to(page, "#confirm-go", most=2)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No policy yet")).to_be_visible()


def test_the_steps_of_adding_an_api(page: Page) -> None:
    """Enter goes on, arrows choose, a mistake is named beside its field, and nothing typed is lost on the way back."""
    page.goto(f"{CONSOLE}/apis/new/")
    tab_to(page, "main input[type=radio]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-current=step]")).to_have_text("API")
    tab_to(page, "main input[name=choice]")
    while not page.locator("input[name=choice][value=name]").is_checked():
        page.keyboard.press("ArrowDown")
    tab_to(page, "main input[name$=name]:not([type=radio])")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-current=step]")).to_have_text("Endpoint")
    tab_to(page, "main input[name=base_path]")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("/orders")
    page.keyboard.press("Enter")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    tab_to(page, "main button[name=back]", most=12)
    page.keyboard.press("Enter")
    expect(page.locator("main input[name$=name]:not([type=radio])")).to_have_value("By keyboard")
