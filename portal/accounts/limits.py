"""How often something may be tried, from one address or for one account."""

import logging

from django.core.cache import cache
from django.http import HttpRequest

logger = logging.getLogger(__name__)


def attempt_allowed(request: HttpRequest, kind: str, *, limit: int, seconds: int) -> bool:
    """Count an attempt of this kind from the caller's address; tell whether it is within the limit."""
    return within_limit(f"{kind}:{request.META.get('REMOTE_ADDR', '')}", limit=limit, seconds=seconds)


def within_limit(name: str, *, limit: int, seconds: int) -> bool:
    """Count an attempt under this name; tell whether it is within the limit.

    The window is fixed and begins with the first attempt. Without the cache everything is allowed: an attempt more is
    better than nobody being able to register; password guessing is counted in the database (see `AXES_…`).
    """
    key = f"attempts:{name}"
    try:
        cache.add(key, 0, timeout=seconds)
        return cache.incr(key) <= limit
    except ValueError:
        # The window ended between the two commands.
        return True
    except Exception:
        logger.warning("The cache cannot be reached; attempts %s are not limited.", name, exc_info=True)
        return True
