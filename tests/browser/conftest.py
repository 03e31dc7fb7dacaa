"""A real headless Chromium."""

import shutil
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.stack import ROOT

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RESULTS = ROOT / "test-results"
STEP_TIMEOUT_MS = 15_000


def chromium_path() -> str:
    """Return where the system's Chromium is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "There is no Chromium. `make test` installs it, or set PORTICO_NO_BROWSER=1."
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh person, on a desktop."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(STEP_TIMEOUT_MS)
    yield context.new_page()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, Any]:
    """Keep a picture of every open page of a failed test, under test-results/, and say what was on it."""
    report = yield
    if report.when == "call" and report.failed and "browser" in getattr(item, "funcargs", {}):
        RESULTS.mkdir(exist_ok=True)
        pages = [page for context in item.funcargs["browser"].contexts for page in context.pages]  # type: ignore[attr-defined]
        for number, page in enumerate(pages, start=1):
            picture = RESULTS / f"{item.name}-{number}.png"
            page.screenshot(path=picture)
            report.sections.append((f"{page.url} ({picture})", page.locator("body").inner_text()[:3000]))
    return report
