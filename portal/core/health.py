"""Whether the portal runs, and whether it can do its work."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from portal.core.redis import connection as redis_connection


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does; depends on nothing."""
    return JsonResponse({"status": "alive"})


def _database() -> str:
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
    except DatabaseError as error:
        return f"The database does not answer: {error}"
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are not applied. Run “manage.py migrate”." if missing else ""


def _redis() -> str:
    try:
        redis_connection().ping()
    except RedisError as error:
        return f"Redis does not answer: {error}"
    return ""


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database, migrations and Redis are in order, else 503 with what is not."""
    checks = {"database": _database(), "redis": _redis()}
    body = {name: reason or "ready" for name, reason in checks.items()}
    ready = not any(checks.values())
    return JsonResponse({"status": "ready" if ready else "not ready", **body}, status=200 if ready else 503)
