"""Fixtures of gateways: a fake Redis in the place of the shared connection."""

from typing import Any

import pytest

from portal.gateways import access
from tests.portal.gateways.fake_redis import FakeRedis


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeRedis:
    """The Redis of the portal, in which users are made."""
    settings.REDIS_ACL = True
    server = FakeRedis()
    monkeypatch.setattr(access, "connection", lambda: server)
    return server
