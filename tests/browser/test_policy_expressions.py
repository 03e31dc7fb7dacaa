"""An expression is checked while it is written: the sentence and the character beside the field."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The form that applies rate limiting to an API."""
    instance = stack.rest("policy-expressions").get("/api-instances/").json()["results"][0]["id"]
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, base_url=stack.portal)
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, stack)
    page.goto(f"{CONSOLE}/apis/{instance}/policies/add/rate-limiting/")
    yield page
    context.close()


def test_a_mistake_is_told_beside_the_field_and_goes_when_it_is_mended(page: Page) -> None:
    field = page.get_by_label("Key selector")
    note = page.locator("#id_keySelector_live")
    field.fill("#[attributs.method]")
    expect(note).to_contain_text("Character 3: There is no “attributs”. Did you mean “attributes”?")
    expect(note.locator("mark")).to_have_text("a")
    expect(note).to_have_attribute("aria-live", "polite")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("#[attributes.method]")
    expect(note).to_be_empty()
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_a_field_in_a_row_that_was_added_is_checked_and_signs_count_as_people_count_them(page: Page) -> None:
    page.goto(page.url.replace("rate-limiting", "header-injection"))
    page.get_by_role("button", name="Add to Inbound headers").click()
    page.locator("[name='inboundHeaders.0.value']").fill("😀 #[attributes.statusCode] <b>")
    note = page.locator("#id_inboundHeaders\\.0\\.value_live")
    expect(note).to_contain_text("belongs to the response")
    expect(note.locator("mark")).to_have_text("s")
    expect(note.locator("b")).to_have_count(0)


def test_a_script_is_checked_at_its_line(page: Page) -> None:
    page.goto(page.url.replace("rate-limiting", "dataweave-body-transformation"))
    field = page.get_by_label("Script")
    note = page.locator("#id_script_live")
    field.fill("%dw 2.0\noutput application/json\n---\n{ id: paylaod.id }")
    expect(note).to_contain_text("Character 43: There is no “paylaod”. Did you mean “payload”?")
    expect(note.locator("mark")).to_have_text("p")
    field.fill("%dw 2.0\noutput application/json\n---\n{ id: payload.id }")
    expect(note).to_be_empty()
