"""Fixtures of API instances."""

from collections.abc import Iterator

import pytest

from portal.gateways.signals import _configuration_changed, receiver_connect


@pytest.fixture
def messages(world) -> Iterator[list[str]]:
    """The messages of all configuration changes asked for."""
    heard: list[str] = []

    def hear(*, message, **_):
        heard.append(message)

    receiver_connect(hear, weak=False, dispatch_uid="test")
    yield heard
    _configuration_changed.disconnect(dispatch_uid="test")
