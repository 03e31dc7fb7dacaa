"""The form of a custom role: its name and the matrix of permissions."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.core.permission_matrix import PermissionMatrix, PermissionsField


class CustomRoleForm(PermissionMatrix, ConsoleForm):
    """A name and what the role lets people do. What the person at the form does not hold cannot be ticked."""

    name = forms.CharField(max_length=60, label="Name", help_text="For example: Support.")
    description = forms.CharField(
        max_length=200, required=False, label="What it is for", help_text="Shown in the list of roles."
    )
    permissions = PermissionsField(error_messages={"required": "Choose what the role lets people do."})

    def __init__(self, *args: Any, held: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(held)
