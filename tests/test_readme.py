"""The README says nothing that is not there. Its commands are run in tests/integration/test_readme_commands.py."""

import re
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from portal.docs.pictures import pictures

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = [target for target in re.findall(r"(?<!!)\[[^]]+\]\(([^)]+)\)", TEXT) if not target.startswith("http")]
PICTURES = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", TEXT)
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """The paths of our own OpenAPI document."""
    paths: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return paths


@pytest.mark.parametrize("target", LINKS)
def test_what_it_links_to_exists(target: str) -> None:
    assert (ROOT / target).exists()


def test_it_shows_pictures_that_exist() -> None:
    assert len(PICTURES) >= 6
    shown = {ROOT / path for _, path in PICTURES}
    assert shown <= set(pictures().values())


def test_every_picture_is_shown_somewhere() -> None:
    pages = [*(ROOT / "portal" / "docs" / "pages").rglob("*.md"), ROOT / "README.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert {name for name in pictures() if f"images/{name}.png)" not in text} == set()


def test_the_targets_it_names_exist() -> None:
    named = {
        word for word in re.findall(r"\bmake ([a-z-]+)\b", TEXT) if f"make {word} " in TEXT or f"`make {word}" in TEXT
    }
    assert {"up", "test", "gateway", "pictures", "bench", "help"} <= named
    assert named <= TARGETS


def test_the_rest_addresses_it_uses_exist(operations: dict[str, Any]) -> None:
    used = re.findall(r"rest '?(/[a-z-]+/)(?:\?[^']*')?( -d)?", TEXT)
    assert len(used) == 5
    for path, body in used:
        assert ("post" if body else "get") in operations[f"/api/v1{path}"]


def test_the_pages_name_rest_addresses_that_exist(operations: dict[str, Any]) -> None:
    page = (ROOT / "portal" / "docs" / "pages" / "guides" / "use-the-rest-api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"/api/v1/[a-z-]+/(?=[`?\s])", page))
    assert len(named) > 10
    assert named <= set(operations)
    # And none of the first level is missing on the page.
    assert {path for path in operations if re.fullmatch(r"/api/v1/[a-z-]+/", path)} <= named
