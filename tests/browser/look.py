"""Take pictures of pages of a running portal and check them with axe: a tool for looking, not a test.

    python -m tests.browser.look --base http://localhost:8000 --session KEY --into /tmp/pictures /hub/ /docs/

Every page is taken at 1440 and 390 pixels, in light and dark. Findings of axe, console errors and pages that scroll
sideways are printed; the exit code says whether there were any.
"""

import argparse
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1440, 390)
THEMES = ("light", "dark")
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def findings(page: Page) -> list[str]:
    """Return what axe finds on a page, one line each, and whether the page is wider than the window."""
    # Through the debugger, not a script element: the page's content policy stays in force.
    page.evaluate(AXE.read_text())
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    lines = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:140]} {node['failureSummary'][:200]!r}"
        for violation in result["violations"]
        for node in violation["nodes"][:3]
    ]
    if page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth + 1"):
        lines.append("the page scrolls sideways")
    return lines


def listen(page: Page, found: list[str]) -> None:
    """Collect what the browser complains about."""
    page.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))


def look(browser: Browser, base: str, session: str, path: str, into: Path) -> list[str]:
    """Take all pictures of one page; return its findings."""
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[-60:] or "home"
    found: list[str] = []
    for theme in THEMES:
        for width in WIDTHS:
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=False
            )  # type: ignore[arg-type]
            if session:
                context.add_cookies([{"name": "portico_session", "value": session, "url": base}])
            page = context.new_page()
            listen(page, found)
            page.goto(base + path, wait_until="load")
            page.wait_for_timeout(250)
            page.screenshot(path=into / f"{name}-{width}-{theme}.png", full_page=True)
            found += [f"{width} {theme}: {line}" for line in findings(page)]
            context.close()
    return list(dict.fromkeys(found))


def main() -> int:
    """Look at every page named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--base", default="http://localhost:8000")
    parser.add_argument("--session", default="", help="the session cookie of a signed-in user")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    failed = False
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for path in options.paths:
            found = look(browser, options.base, options.session, path, options.into)
            print(f"{'FOUND' if found else 'clean'} {path}")
            for line in found:
                print(f"   {line}")
            failed = failed or bool(found)
        browser.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
