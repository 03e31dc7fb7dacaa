"""The pictures of the documentation."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.markdown import markdown_html
from portal.docs import library
from portal.docs.pictures import BESIDE_PAGES, pictures

LARGEST_BYTES = 150_000
pytestmark = pytest.mark.django_db


def named_by(page: library.Page) -> set[str]:
    """Return the names of the pictures that a page's file shows."""
    return set(re.findall(rf"!\[[^]]+\]\({re.escape(BESIDE_PAGES)}([a-z-]+)\.png\)", page.text))


@pytest.mark.parametrize(
    "page", [page for page in library.pages().values() if "![" in page.text], ids=lambda page: page.slug
)
def test_every_picture_of_a_page_is_served(page: library.Page) -> None:
    assert page.text.count("![") == len(named_by(page))
    html = Client().get(reverse("docs:page", args=(page.section, page.slug))).content.decode()
    addresses = re.findall(r'<img src="([^"]+)" alt="[^"]+"', html)
    assert {address.rpartition("/")[2] for address in addresses} == {f"{name}.png" for name in named_by(page)}
    for address in addresses:
        response = Client().get(address)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/png"
        assert b"".join(response.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_pictures_are_small() -> None:
    assert pictures()
    assert {name for name, path in pictures().items() if path.stat().st_size > LARGEST_BYTES} == set()


def test_nothing_else_can_be_asked_for() -> None:
    for address in ("/docs/images/no-such.png", "/docs/images/..%2Fstart%2Fquick-start.png", "/docs/images/.png"):
        assert Client().get(address).status_code == 404


def test_other_peoples_text_shows_no_pictures() -> None:
    assert "<img" not in markdown_html("![a picture](https://elsewhere.example/a.png)")
