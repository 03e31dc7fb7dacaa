"""The documentation, open to everybody."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core.markdown import markdown_html
from portal.docs import library
from portal.docs.copyable import with_copy_buttons
from portal.docs.pictures import pictures, with_picture_addresses
from portal.docs.settings_table import setting_rows


def index(request: HttpRequest) -> HttpResponse:
    """Show every section with its pages."""
    return render(request, "docs/index.html", {"title": "Documentation", "contents": library.contents()})


def page(request: HttpRequest, section: str, slug: str) -> HttpResponse:
    """Show one page with the navigation and its neighbours."""
    every = library.pages()
    found = every.get((section, slug))
    if found is None:
        raise Http404("There is no such page in the documentation.")
    body = markdown_html(found.text, top_heading=1, own=True)
    order = list(every.values())
    place = order.index(found)
    context = {
        "title": found.title,
        "page": found,
        "body": with_picture_addresses(with_copy_buttons(body)),
        "settings": setting_rows(found.policy.config) if found.policy else [],
        "contents": library.contents(),
        "section": next(each for each in library.SECTIONS if each.slug == section),
        "before": order[place - 1] if place else None,
        "after": order[place + 1] if place + 1 < len(order) else None,
    }
    return render(request, "docs/page.html", context)


def picture(request: HttpRequest, name: str) -> FileResponse:
    """Send one picture of the pages."""
    path = pictures().get(name)
    if path is None:
        raise Http404("There is no such picture in the documentation.")
    response = FileResponse(path.open("rb"), content_type="image/png")
    response["Cache-Control"] = "public, max-age=3600"
    return response
