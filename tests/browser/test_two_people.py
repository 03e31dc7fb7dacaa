"""Two people with the same form open: the second sees what the first one saved, and chooses."""

import re
import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import AXE, STANDARDS
from tests.browser.test_walk import CONSOLE, sign_in
from tests.stack import Stack


@pytest.fixture
def settings(stack: Stack) -> Iterator[str]:
    """The address of the settings of an API of its own."""
    client = stack.rest("two-people")
    other = client.get("/api-instances/").json()["results"][0]
    new = {
        **{name: other[name] for name in ("environment", "gateway", "port", "implementation_url")},
        "new_api": {"name": "Edited by two", "version": "v1"},
        "base_path": "/two-people",
    }
    made = client.post("/api-instances/", json=new).json()
    yield f"{CONSOLE}/apis/{made['id']}/settings/"
    api = client.get(f"/api-versions/{made['api_version']}/").json()["api"]
    assert client.delete(f"/api-instances/{made['id']}/").status_code == 204
    assert client.delete(f"/apis/{api}/").status_code == 204


@pytest.fixture
def erik(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page of an editor who was just invited and has chosen a password."""
    client = stack.rest("invitation")
    organization = client.get("/organizations/").json()["results"][0]["id"]
    person = client.post(
        "/people/",
        json={"email": "erik@example.com", "name": "Erik Editor", "organization": organization, "role": "editor"},
    ).json()
    context = browser.new_context(viewport={"width": 1440, "height": 1200}, base_url=stack.portal)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(person["invitation_link"])
    password = secrets.token_urlsafe(16)
    for field in page.locator("input[type=password]").all():
        field.fill(password)
    page.get_by_role("button", name=re.compile("password|Continue|Save|sign", re.IGNORECASE)).last.click()
    page.wait_for_url("**/console/**")
    yield page
    context.close()
    assert client.delete(f"/people/{person['id']}/").status_code == 204


@pytest.fixture
def ada(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page of the owner, on a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 900}, base_url=stack.portal)
    context.set_default_timeout(15_000)
    page = context.new_page()
    sign_in(page, stack)
    yield page
    context.close()


def test_the_second_person_gets_the_difference_and_loses_nothing(erik: Page, ada: Page, settings: str) -> None:
    erik.goto(settings)
    ada.goto(settings)
    erik.get_by_label("Base path").fill("/two-people-of-erik")
    erik.locator("[name=label]").fill("blue")
    erik.get_by_role("button", name="Save").click()
    expect(erik.get_by_text("Saved. The gateway takes it over within a second.")).to_be_visible()

    ada.locator("[name=label]").fill("green")
    ada.get_by_role("button", name="Save", exact=True).click()
    expect(ada.get_by_role("alert")).to_contain_text("Erik Editor changed this meanwhile")
    expect(ada.locator("[data-error-summary]")).to_be_focused()
    expect(ada.locator("[name=label]")).to_have_value("green")
    expect(ada.get_by_role("radio", name="Base path: theirs")).to_be_checked()
    expect(ada.get_by_role("radio", name="Label: yours")).to_be_checked()
    wide = ada.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    ada.evaluate(AXE)
    found = ada.evaluate("standards => axe.run({ runOnly: standards }).then(({ violations }) => violations)", STANDARDS)
    assert found == []

    ada.locator("[name=label]").press("Enter")
    expect(ada.get_by_text("Saved. The gateway takes it over within a second.")).to_be_visible()
    erik.goto(settings)
    expect(erik.get_by_label("Base path")).to_have_value("/two-people-of-erik")
    expect(erik.locator("[name=label]")).to_have_value("green")
