"""The console's own tools in a real browser: the search over everything, keys, lists, commands and undo."""

import os
import subprocess
from collections.abc import Iterator

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.pages import AXE, STANDARDS
from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack, wait_until


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
        storage_state=signed_in, viewport={"width": 1440, "height": 900}, base_url=stack.portal
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def faults(page: Page) -> list[str]:
    """Return what axe finds on a page as it is now."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(
        """(standards) => axe.run(document, { runOnly: standards, resultTypes: ["violations"] })
            .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
                nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`)))""",
        STANDARDS,
    )
    return found


def chosen(page: Page) -> str:
    """Return the line of the palette that a screen reader is told of."""
    text: str = page.evaluate(
        """() => document.getElementById(
            document.activeElement.getAttribute("aria-activedescendant"))?.textContent.trim() ?? "" """
    )
    return text


def test_the_palette_finds_and_goes_by_keyboard_and_remembers(page: Page) -> None:
    page.goto(f"{CONSOLE}/audit/")
    page.locator("body").press("Control+k")
    field = page.get_by_role("combobox", name="Search the console")
    expect(field).to_be_focused()
    field.type("apply policy to orders")
    expect(page.get_by_role("option").first).to_contain_text("Apply policy to Orders")
    assert chosen(page).startswith("Apply policy to Orders")
    assert faults(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/policies/add/")
    # What was opened is the first thing that is offered next time.
    page.locator("body").press("Control+k")
    expect(page.get_by_role("group", name="Recent").get_by_role("option").first).to_contain_text("Apply policy to Ord")
    field.type("gatew")
    expect(page.get_by_role("option").first).to_contain_text("Gateways")
    first = chosen(page)
    page.keyboard.press("ArrowDown")
    assert chosen(page) != first
    page.keyboard.press("ArrowUp")
    assert chosen(page) == first
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()


def test_the_palette_gives_the_focus_back_and_says_when_nothing_matches(page: Page) -> None:
    page.goto(f"{CONSOLE}/")
    opener = page.get_by_role("link", name="Search")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Search the console").type("qqqqq")
    expect(page.locator("[data-palette-state]")).to_have_text("Nothing matches. Try fewer letters.")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_the_palette_on_a_phone(browser: Browser, signed_in: StorageState, stack: Stack) -> None:
    context = browser.new_context(
        storage_state=signed_in,
        viewport={"width": 390, "height": 800},
        color_scheme="dark",
        base_url=stack.portal,
    )
    page = context.new_page()
    page.goto(f"{CONSOLE}/apis/")
    page.get_by_role("link", name="Search").click()
    page.get_by_role("combobox", name="Search the console").fill("customers")
    line = page.get_by_role("option", name="Customers").first
    expect(line).to_be_in_viewport()
    assert faults(page) == []
    line.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Customers")
    context.close()


def test_the_search_works_without_script(browser: Browser, signed_in: StorageState, stack: Stack) -> None:
    context = browser.new_context(storage_state=signed_in, java_script_enabled=False, base_url=stack.portal)
    page = context.new_page()
    page.goto(f"{CONSOLE}/")
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox", name="Search the console").fill("orders")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="Catalog")).to_be_visible()
    context.close()


def test_single_keys_go_search_walk_and_can_be_switched_off(page: Page) -> None:
    page.goto(f"{CONSOLE}/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/apis/")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search this list")
    expect(field).to_be_focused()
    # Inside a field a letter is a letter.
    page.keyboard.type("gac")
    expect(field).to_have_value("gac")
    page.goto(f"{CONSOLE}/apis/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tbody tr").first.locator("a.row-link")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/apis/*-*/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert faults(page) == []
    dialog.get_by_label("Single keys act as shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.locator("body").press("Control+k")
    expect(page.get_by_role("combobox", name="Search the console")).to_be_focused()


def test_a_list_is_narrowed_kept_and_sent(page: Page) -> None:
    page.goto(f"{CONSOLE}/apis/?view=all")
    page.get_by_label("Status").select_option("active")
    expect(page.get_by_role("link", name="Status: Active")).to_be_visible()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Policies").uncheck()
    page.get_by_label("Version").check()
    page.get_by_label("Close together").check()
    page.locator("form.list-panel").get_by_role("button", name="Show").click()
    page.get_by_role("link", name="API", exact=True).click()
    heads = [text.strip() for text in page.locator("thead th:not(.row-choice)").all_inner_texts()]
    assert heads == ["API", "Status", "Gateway", "Endpoint", "Version"]
    assert faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].split(",") == heads
    assert len(lines) - 1 == page.locator("tbody tr").count()
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Keep this list as a view").fill("What runs")
    page.get_by_label("Open the list with it").check()
    page.get_by_role("button", name="Keep").click()
    expect(page.locator("summary", has_text="What runs")).to_be_visible()
    page.goto(f"{CONSOLE}/apis/")
    expect(page.get_by_role("link", name="Status: Active")).to_be_visible()
    page.locator("summary", has_text="What runs").click()
    assert faults(page) == []
    page.get_by_role("button", name="Delete the view What runs").click()
    expect(page.locator("summary", has_text="Views")).to_be_visible()


def test_the_command_shown_does_what_the_form_would(page: Page, stack: Stack) -> None:
    page.goto(f"{CONSOLE}/gateways/")
    page.locator("tbody a.row-link").first.click()
    page.get_by_role("link", name="Edit", exact=True).click()
    name = page.get_by_label("Name")
    was = name.input_value()
    environment = {**os.environ, "PORTICO_TOKEN": stack.api_token("commands")}
    for wanted in ("It's a “gateway” of $ours", was):
        name.fill(wanted)
        page.get_by_role("button", name="Show the command").click()
        shown = page.locator("#command code")
        expect(shown).to_contain_text(f'"name": "{wanted[:2]}')
        command = shown.inner_text()
        ran = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        page.reload()
        expect(name).to_have_value(wanted)
    page.goto(f"{CONSOLE}/apis/")
    page.locator("tbody a.row-link").first.click()
    page.get_by_role("link", name="Show the command for Stop").click()
    expect(page.get_by_role("dialog", name="The command for this")).to_contain_text("/stop/")
    assert faults(page) == []


def test_a_stopped_api_is_brought_back_by_undo(page: Page, stack: Stack) -> None:
    """In the console and on the traffic."""
    instances = stack.rest("undo").get("/api-instances/").json()["results"]
    shop = next(each for each in instances if each["base_path"] == "/shop")
    before = httpx.get(f"{stack.gateway}/shop").status_code
    page.goto(f"{CONSOLE}/apis/{shop['id']}/")
    page.get_by_role("button", name="Stop").click()
    page.locator("#confirm-go").click()
    expect(page.locator("h1")).to_contain_text("Stopped")
    wait_until(lambda: httpx.get(f"{stack.gateway}/shop").status_code == 404, seconds=10, what="404 of the stopped API")
    assert faults(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_contain_text("Active")
    expect(page.locator("#toasts")).to_contain_text("Undone")
    wait_until(
        lambda: httpx.get(f"{stack.gateway}/shop").status_code == before, seconds=10, what="the answer as before"
    )
