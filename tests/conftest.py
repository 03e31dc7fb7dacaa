"""Fixtures for tests against the whole running product."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.stack import Stack

# A change is judged by the same cases on every machine, however slow. To look for new ones:
# pytest --hypothesis-profile=search
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running copy of Portico for all tests that do not break it."""
    running = Stack(tmp_path_factory.mktemp("portico") / "home")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A running copy for one test that kills parts of it."""
    running = Stack(tmp_path / "home")
    try:
        yield running.start()
    finally:
        running.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder, so that `make test` can run the kinds one after the other."""
    for item in items:
        parts = item.path.parts
        if {"integration", "attacks"} & {*parts}:
            item.add_marker("integration")
        if "browser" in parts:
            item.add_marker("browser")
            if os.environ.get("PORTICO_NO_BROWSER") == "1":
                item.add_marker(pytest.mark.skip(reason="There is no Chromium on this machine."))
