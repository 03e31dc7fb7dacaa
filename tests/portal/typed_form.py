"""A form of a page as a browser would send it: what it shows, with what somebody types over it."""

from html.parser import HTMLParser
from typing import Any


class _Controls(HTMLParser):
    """Collects the controls of the form that saves."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: dict[str, list[str]] = {}
        self.select = self.text = ""
        self.options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self.inside = "data-form" in given
        elif not self.inside:
            return
        elif tag == "option":
            self.options.append((given.get("value") or "", "selected" in given))
        elif tag == "select":
            self.select, self.options = name, []
        elif tag == "textarea":
            self.text, self.found[name] = name, [""]
        elif tag == "input" and name and given.get("type") not in ("submit", "file"):
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            self.found.setdefault(name, []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea":
            # The first line end after the tag is not part of the text.
            self.found[self.text] = [self.found[self.text][0].removeprefix("\n")] if self.text else []
            self.text = ""
        elif tag == "select" and self.select:
            chosen = [value for value, selected in self.options if selected] or [self.options[0][0]]
            self.found[self.select], self.select = chosen, ""

    def handle_data(self, data: str) -> None:
        if self.text:
            self.found[self.text][0] += data


def sent(html: bytes, **typed: Any) -> dict[str, Any]:
    """Return what a browser sends for the form of a page when `typed` is written over it."""
    controls = _Controls()
    controls.feed(html.decode())
    controls.found.pop("csrfmiddlewaretoken", None)
    return {**controls.found, **typed}
