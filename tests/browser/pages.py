"""Finding every page of the portal by its links, and saying what is wrong with one in a real browser."""

import re
from urllib.parse import urldefrag, urljoin, urlsplit

from playwright.sync_api import APIRequestContext, ConsoleMessage, Page

from tests.stack import ROOT

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The reference is somebody else's widget; everything around it is ours.
FOREIGN = "#hub-reference"
LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"')
# Of pages that differ in their text alone, one is looked at.
SAME_PAGE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "<id>"),
    (re.compile(r"/traces/[0-9a-f]{16,}t?/"), "/traces/<trace>/"),
    (re.compile(r"^/console/[^/]+/[^/]+/"), "/console/"),
    (re.compile(r"^/docs/([^/]+)/[^/]+/"), r"/docs/\1/<page>/"),
    (re.compile(r"^/hub/apis/[^/]+/[^/]+/(?!access/)[^/]+/"), "/hub/apis/<api>/<version>/"),
    (re.compile(r"^/hub/apis/[^/]+/[^/]+/(access/)?$"), r"/hub/apis/<api>/\1"),
)


def pattern_of(address: str) -> str:
    """Return what addresses of the same page have in common."""
    path, _, query = address.partition("?")
    for same, written in SAME_PAGE:
        path = same.sub(written, path)
    names = sorted(part.partition("=")[0] for part in query.split("&") if part)
    return f"{path}?{','.join(names)}" if names else path


def pages_linked_from(request: APIRequestContext, base: str, starts: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Follow links from `starts`. Return one address of every page without a query, and what did not answer well."""
    waiting, seen, pages, broken = list(starts), set(), [], []
    while waiting:
        address = waiting.pop(0)
        pattern = pattern_of(address)
        if pattern in seen:
            continue
        seen.add(pattern)
        answer = request.get(base + address)
        if answer.status >= 400:
            broken.append(f"{answer.status} {address}")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        if "?" not in address:
            pages.append(address)
        for reference in LINK.findall(answer.text()):
            url, _ = urldefrag(urljoin(answer.url, reference.replace("&amp;", "&")))
            if url.startswith(f"{base}/") and not urlsplit(url).path.startswith("/static/"):
                waiting.append(url.removeprefix(base))
    return pages, broken


class Inspector:
    """Opens pages in one tab and collects what is wrong with each."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def faults(self, address: str, *, status: int = 200) -> list[str]:
        """Open a page and return what the browser, its width and axe find, one line each."""
        self.complaints.clear()
        answer = self.page.goto(self.base + address)
        found = [] if answer and answer.status == status else [f"answered {answer and answer.status}"]
        for drawn in (f"{FOREIGN} h1", "[data-chart] svg"):
            if self.page.locator(drawn.split()[0]).first.is_visible():
                self.page.locator(drawn).first.wait_for()
        # The browser itself notes a page that answers 404; that is what was asked for.
        found += [line for line in self.complaints if status < 400 or "status of" not in line]
        wide = self.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            found.append(f"{wide} px wider than the window")
        # Through the debugger, not a script element: the page's content policy stays in force.
        self.page.evaluate(AXE)
        found += self.page.evaluate(
            """([foreign, standards]) => axe
                .run({ exclude: [foreign] }, { runOnly: standards, resultTypes: ["violations"] })
                .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
                    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`)))""",
            [FOREIGN, STANDARDS],
        )
        return [f"{address}: {line}" for line in found]
