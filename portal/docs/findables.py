"""The documentation in the console's search."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from portal.core.findables import Entries, Found, register
from portal.docs import library


def _documentation(request: Any) -> Iterator[Found]:
    # Without words the front page is enough.
    if not request.GET.get("q", "").strip():
        return
    for page in library.pages().values():
        yield Found(page.title, reverse("docs:page", args=(page.section, page.slug)), page.summary, "book")


register(Entries(name="docs", title="Documentation", list=_documentation, order=80))
