"""Outline icons of @tabler/icons, placed in the page as SVG so that they take the text's colour and need no font."""

import re
from functools import cache

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

_NAME = re.compile(r"\A[a-z0-9-]+\Z")
_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_FRAME = (
    '<svg class="icon{extra}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
    'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
    "{body}</svg>"
)
# Every icon of the package begins with an invisible square.
_BACKDROP = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'
# Drawn when a package or a name is missing, so that a page never fails for an ornament.
_UNKNOWN = '<circle cx="12" cy="12" r="8" />'


@cache
def icon_svg(name: str, extra: str = "") -> SafeString:
    """Return the icon as an SVG element that assistive technology skips. `extra` are further classes."""
    path = settings.NODE_MODULES / "@tabler/icons/icons/outline" / f"{name}.svg"
    body = _UNKNOWN
    if _NAME.match(name) and path.is_file():
        found = _BODY.search(path.read_text())
        body = " ".join(found.group(1).replace(_BACKDROP, "").split()) if found else _UNKNOWN
    # The body comes from an installed package by a checked name; `extra` only ever from our templates.
    return mark_safe(_FRAME.format(extra=f" {extra}" if extra else "", body=body))  # noqa: S308
