"""Saying no to somebody who may see a thing but not do what they asked."""

from django.core.exceptions import PermissionDenied


class Denied(PermissionDenied):
    """The user lacks `permission` here. Shown as a page that names the roles which include it."""

    def __init__(self, permission: str, doing: str = "") -> None:
        super().__init__(f"Your role does not include {permission}.")
        self.permission = permission
        self.doing = doing
