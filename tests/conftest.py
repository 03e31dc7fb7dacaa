"""Fixtures for tests against the whole running product."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack


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
