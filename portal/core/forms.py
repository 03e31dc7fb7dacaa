"""Forms of the console: labels, help and errors beside each field, and services' errors in their place."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.core.validators import MaxValueValidator, MinValueValidator

from portal.core.errors import ApplicationError

_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class ConsoleFormMixin:
    """What both kinds of forms share. `{% form form %}` renders all fields, `{% field form.name %}` one."""

    fields: dict[str, forms.Field]
    required_css_class = "required"
    error_css_class = "is-invalid"
    label_suffix = ""
    # (title, help, names): groups shown as fieldsets; fields named in no group come first.
    groups: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            self.dress(field)

    @staticmethod
    def dress(field: forms.Field) -> None:
        """Give a field's control its class and its errors our words; call it for fields added later."""
        required = field.default_error_messages.get("required")
        if field.error_messages.get("required") in (required, forms.Field.default_error_messages["required"]):
            field.error_messages["required"] = "Fill this in."
        for validator in field.validators:
            if isinstance(validator, MinValueValidator):
                validator.message = "Use %(limit_value)s or more."
            elif isinstance(validator, MaxValueValidator):
                validator.message = "Use %(limit_value)s or less."
        widget = field.widget
        name = next(name for kind, name in _CLASSES if isinstance(widget, kind))
        given = widget.attrs.get("class", "")
        if name not in given.split():
            widget.attrs["class"] = f"{given} {name}".strip()
        if isinstance(widget, forms.PasswordInput):
            widget.attrs.setdefault("autocomplete", "new-password")

    def add_application_error(self, error: ApplicationError) -> None:
        """Put a service's sentences beside their fields, and what belongs to none at the top."""
        form: Any = self
        for name, sentence in error.fields.items():
            form.add_error(name if name in self.fields else None, sentence)
        if not error.fields:
            form.add_error(None, error.message)

    def part_of(self, name: str) -> str:
        """Return which part of the form a field belongs to when two people's changes are compared: its own."""
        return name

    def part_label(self, part: str) -> str:
        """Return how a part is called."""
        return str(self.fields[part].label or part.replace("_", " ").capitalize()) if part in self.fields else part

    def row_of(self, name: str) -> str:
        """Return which row of its part a field belongs to; parts of one field have one row."""
        return ""

    def row_counts(self, fields: Mapping[str, str]) -> bool:
        """Tell whether a row says anything. Blank ones are left out of comparisons."""
        return True

    def is_secret(self, name: str) -> bool:
        """Tell whether a field's value is never shown."""
        return isinstance(self.fields[name].widget, forms.PasswordInput)

    def kept_secret(self, name: str) -> str:
        """Return the stored secret of a field that may be left empty."""
        return ""

    def sections(self) -> list[tuple[str, str, list[Any]]]:
        """Return the visible fields by group: title, help, bound fields."""
        form: Any = self
        grouped = {name for _, _, names in self.groups for name in names}
        first = [field for field in form.visible_fields() if field.name not in grouped]
        sections = [("", "", first)] if first else []
        for title, text, names in self.groups:
            sections.append((title, text, [form[name] for name in names if name in self.fields]))
        return sections

    def invalid_fields(self) -> list[Any]:
        """Return the visible fields that have errors, in order."""
        form: Any = self
        return [field for field in form.visible_fields() if field.errors] if form.is_bound else []


class ConsoleForm(ConsoleFormMixin, forms.Form):
    """A form whose values go to a service."""


class ConsoleModelForm(ConsoleFormMixin, forms.ModelForm):
    """A form with a model's fields, labels and limits. A service saves, never the form."""

    def save(self, commit: bool = True) -> Any:
        """Refuse: only services write."""
        raise TypeError("A console form does not save; pass its values to a service.")

    def _post_clean(self) -> None:
        """Check each field with the model's validators but leave the instance as it is in the database."""
        model: Any = self._meta.model  # type: ignore[attr-defined]
        for name, value in list(self.cleaned_data.items()):
            if name not in self.fields:
                continue
            try:
                model._meta.get_field(name).run_validators(value)
            except forms.ValidationError as error:
                self.add_error(name, error)
            except FieldDoesNotExist:
                continue
