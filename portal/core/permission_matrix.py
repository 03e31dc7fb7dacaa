"""The matrix of permissions in a form: areas with what lets people see them, and what lets them change them."""

from typing import Any

from django import forms

from portal.core.permission_areas import ALWAYS, AREAS, in_order


class PermissionsField(forms.MultipleChoiceField):
    """Permissions that are ticked."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": "Permissions", "choices": [], **kwargs})
        self.error_messages["invalid_choice"] = "“%(value)s” is no permission that you can give."


class PermissionMatrix:
    """A form with a field `permissions`. What is not `held` cannot be ticked."""

    fields: Any
    held: frozenset[str]

    def offer(self, held: frozenset[str]) -> None:
        """Say what can be ticked."""
        self.held = held
        self.fields["permissions"].choices = [(name, name) for name in in_order(held)]

    def matrix(self) -> list[dict[str, Any]]:
        """Return the rows of the matrix: an area, what lets people see it, what lets them change it."""
        bound: Any = self["permissions"]  # type: ignore[index]
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
