"""The form of a custom role: its name and the matrix of permissions."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.organizations.permission_areas import ALWAYS, AREAS, in_order


class CustomRoleForm(ConsoleForm):
    """A name and what the role lets people do. What the person at the form does not hold cannot be ticked."""

    name = forms.CharField(max_length=60, label="Name", help_text="For example: Support.")
    description = forms.CharField(
        max_length=200, required=False, label="What it is for", help_text="Shown in the list of roles."
    )
    permissions = forms.MultipleChoiceField(
        label="Permissions",
        choices=[],
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose what the role lets people do.",
            "invalid_choice": "“%(value)s” is no permission that you can give.",
        },
    )

    def __init__(self, *args: Any, held: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held = held
        field: Any = self.fields["permissions"]
        field.choices = [(name, name) for name in in_order(held)]

    def matrix(self) -> list[dict[str, Any]]:
        """Return the rows of the matrix: an area, what lets people see it, what lets them change it."""
        bound: Any = self["permissions"]
        chosen = {str(value) for value in bound.value() or ()} | ALWAYS

        def cell(permission: Any) -> dict[str, Any]:
            name = permission.name
            fixed = name in ALWAYS
            return {
                "permission": permission,
                "chosen": name in chosen,
                "fixed": fixed,
                "refused": name not in self.held and not fixed,
                "needs": " ".join(permission.needs),
            }

        return [{"area": area, "see": cell(area.see), "change": [cell(each) for each in area.change]} for area in AREAS]
