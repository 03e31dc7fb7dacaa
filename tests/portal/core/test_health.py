"""The portal's own health."""

from unittest.mock import patch

from django.db import OperationalError
from django.test import TestCase
from redis.exceptions import ConnectionError as RedisConnectionError

REDIS = "portal.core.health.redis_connection"


class HealthTests(TestCase):
    def test_livez_asks_nobody(self) -> None:
        with self.assertNumQueries(0), patch(REDIS) as redis:
            assert self.client.get("/livez").status_code == 200
        redis.assert_not_called()

    def test_ready_when_everything_answers(self) -> None:
        with patch(REDIS):
            response = self.client.get("/readyz")
        assert response.status_code == 200
        assert response.json() == {"status": "ready", "database": "ready", "redis": "ready"}

    def test_not_ready_without_redis(self) -> None:
        with patch(REDIS) as redis:
            redis.return_value.ping.side_effect = RedisConnectionError("refused")
            response = self.client.get("/readyz")
        assert response.status_code == 503
        assert "Redis does not answer" in response.json()["redis"]
        assert response.json()["database"] == "ready"

    def test_not_ready_with_missing_migrations(self) -> None:
        with patch(REDIS), patch("portal.core.health.MigrationExecutor") as executor:
            executor.return_value.migration_plan.return_value = [object(), object()]
            response = self.client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["database"].startswith("2 migrations are not applied")

    def test_not_ready_without_a_database(self) -> None:
        with (
            patch(REDIS),
            patch("portal.core.health.connection.ensure_connection", side_effect=OperationalError("gone")),
        ):
            response = self.client.get("/readyz")
        assert response.status_code == 503
        assert "The database does not answer" in response.json()["database"]

    def test_health_is_never_cached(self) -> None:
        with patch(REDIS):
            assert "no-store" in self.client.get("/readyz")["Cache-Control"]
