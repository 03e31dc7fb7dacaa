"""The pictures of the pages: files under pages/images/, made by `make pictures`."""

from functools import cache
from pathlib import Path

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from portal.docs.library import PAGES

# As a page's file names them, so that they are also seen where the files are read.
BESIDE_PAGES = "../images/"


@cache
def pictures() -> dict[str, Path]:
    """Return every picture by name. Only these files can be asked for."""
    return {path.stem: path for path in (PAGES / "images").glob("*.png")}


def with_picture_addresses(html: SafeString) -> SafeString:
    """Return a rendered page whose pictures are those that the product serves."""
    folder = reverse("docs:picture", args=("name",)).removesuffix("name.png")
    # Only the beginning of an attribute of cleaned HTML.
    return mark_safe(html.replace(f'src="{BESIDE_PAGES}', f'src="{folder}'))  # noqa: S308
