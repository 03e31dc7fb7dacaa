"""Fixtures of publishing: a fake Redis in the place of the shared connection."""

import pytest

from tests.portal.publishing.fake_redis import FakeRedis


@pytest.fixture
def fake_redis(monkeypatch: pytest.MonkeyPatch) -> FakeRedis:
    """An empty Redis that all of publishing talks to."""
    server = FakeRedis()
    for module in ("services", "selectors", "reports", "notices"):
        monkeypatch.setattr(f"portal.publishing.{module}.connection", lambda: server)
    return server
