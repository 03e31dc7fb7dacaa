"""The portal's connection to Redis. Everything waits at most two seconds, so a page never hangs on it."""

from functools import cache

import redis
from django.conf import settings


@cache
def connection() -> "redis.Redis":
    """Return the shared client (thread-safe; connections are pooled)."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
