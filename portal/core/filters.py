"""Filters of lists, shared by console and REST through django-filter."""

from functools import reduce
from operator import or_
from typing import Any

import django_filters
from django.db import models
from django.forms import Select


def search(queryset: Any, text: str, lookups: tuple[str, ...]) -> Any:
    """Return the rows in which every word of `text` occurs in at least one of the fields."""
    for word in text.split()[:10]:
        queryset = queryset.filter(reduce(or_, (models.Q(**{f"{lookup}__icontains": word}) for lookup in lookups)))
    return queryset


class ConsoleFilterSet(django_filters.FilterSet):
    """A filter bar: each filter is a select whose first choice is “any …”."""

    def get_form_class(self) -> Any:
        """Give the controls their class and name."""
        form_class = super().get_form_class()
        for field in form_class.base_fields.values():
            select = isinstance(field.widget, Select)
            field.widget.attrs.setdefault("class", "form-select" if select else "form-control")
            if select and getattr(field, "empty_label", None) is not None:
                field.empty_label = f"Any {str(field.label or '').lower()}".strip()
        return form_class

    @property
    def in_use(self) -> bool:
        """Tell whether any filter holds a value."""
        return any(self.data.get(name) for name in self.filters)

    def chosen(self) -> list[tuple[str, str, str]]:
        """Return (parameter, label, value in words) of every filter that is set."""
        self.form.is_valid()
        return [
            (name, str(field.label or name.replace("_", " ").capitalize()), self._words(name, field))
            for name, field in self.form.fields.items()
            if self.data.get(name)
        ]

    def _words(self, name: str, field: Any) -> str:
        given = self.data.get(name)
        value = self.form.cleaned_data.get(name)
        if hasattr(field, "label_from_instance"):
            return field.label_from_instance(value) if value is not None else str(given)
        return str(dict(field.choices).get(given, given)) if hasattr(field, "choices") else str(given)
