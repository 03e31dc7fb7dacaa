"""How often one person, or one stranger's address, may try calls."""

import time

from django.core.cache import cache
from django.http import HttpRequest

from portal.core.errors import ApplicationError

PER_MINUTE = 60


def try_it_admit(request: HttpRequest) -> None:
    """Count a call. Raises `ApplicationError` when there were too many in this minute."""
    user = request.user
    who = f"user:{user.pk}" if user.is_authenticated else f"address:{request.META.get('REMOTE_ADDR', '')}"
    key = f"hub:try-it:{who}:{int(time.time() // 60)}"
    # Add first: the count then always has an end, also when it is evicted between the two calls.
    cache.add(key, 0, timeout=120)
    try:
        count = cache.incr(key)
    except ValueError:
        count = 1
    if count > PER_MINUTE:
        raise ApplicationError(
            "too_many_tries", f"You tried {PER_MINUTE} calls in a minute. Wait a moment, or use curl.", status=429
        )
