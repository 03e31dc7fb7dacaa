"""Who is signed in."""

from typing import Any

from portal.accounts.models import User


def current_user(request: Any) -> User:
    """Return the person who asks. Only for what strangers never reach."""
    assert request.user.is_authenticated, "Strangers must not come this far."
    return request.user
