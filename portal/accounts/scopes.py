"""What an API token may do at most.

Permissions that come from roles are limited where roles are asked for (`portal.organizations.holding`). Here is the
rest: what is a person's own, and that a token for reading changes nothing, whatever an endpoint asks for.
"""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portal.core.errors import ApplicationError
from portal.core.permission_areas import ALL, OWN, SEEING, completed, in_order


def granted(chosen: Iterable[str] | None, most: frozenset[str] | None) -> str:
    """Return the text of `ApiToken.granted` for permissions; None is everything.

    `most` is what the token may do with which the new one is made. Raises `ApplicationError` for what does not exist,
    is nothing, or is more than that.
    """
    if chosen is None:
        if most is not None:
            raise _refused(
                "api_token_too_strong", "The token you are using may not do everything. Say what this may do."
            )
        return ""
    names = frozenset(chosen)
    if unknown := sorted(names - ALL - {OWN.name}):
        raise _refused("permission_unknown", f"There is no permission “{unknown[0]}”.")
    if not names:
        raise _refused("permissions_missing", "Choose what the token may do.")
    whole = completed(names)
    if most is not None and (more := in_order(whole - most)):
        raise _refused("api_token_too_strong", f"The token you are using does not include {more[0]}.")
    return f" {' '.join(in_order(whole))} "


def _refused(code: str, sentence: str) -> ApplicationError:
    return ApplicationError(code, sentence, fields={"permissions": sentence})


class WithinScope(BasePermission):
    """Refuses changes that the token of a request does not include. `own_actions` of a view are what needs no role."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise 403 that says what is missing."""
        limit = getattr(request.user, "limit", None)
        if limit is None or request.method in SAFE_METHODS:
            return True
        if limit <= SEEING:
            raise PermissionDenied("This API token is for reading alone.", code="api_token_reads")
        if getattr(view, "action", None) in getattr(view, "own_actions", ()) and OWN.name not in limit:
            raise PermissionDenied(f"This API token does not include {OWN.name}.", code="api_token_scope")
        return True
