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
