"""A filter by one of very many objects: its choices are read as values and written at once."""

from collections.abc import Callable, Iterator
from typing import Any

import django_filters
from django.forms import ModelChoiceField, Select
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(Select):
    """Writes its options at once. A template for each of a thousand options takes longer than all else of a page."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Return the select with its options; there are no groups among them."""
        chosen = {str(each) for each in self.format_value(value)}
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                ("" if key is None else str(key), SafeString(" selected" if str(key) in chosen else ""), label)
                for key, label in self.choices
            ),
        )
        attributes = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", attributes, options)


class _Choices:
    """The choices of a field, read anew each time they are asked for."""

    def __init__(self, field: "LongChoiceField") -> None:
        self._field = field

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        yield "", str(self._field.empty_label)
        assert self._field.queryset is not None
        rows = self._field.queryset.values_list("pk", *self._field.named_by)
        yield from ((pk, self._field.named(*names)) for pk, *names in rows)


class LongChoiceField(ModelChoiceField):
    """One of very many objects, called `named(*values)` by their values of `named_by`."""

    widget = LongSelect
    iterator = _Choices  # type: ignore[assignment]

    def __init__(self, *args: Any, named_by: tuple[str, ...], named: Callable[..., str], **kwargs: Any) -> None:
        self.named_by, self.named = named_by, named
        kwargs.pop("null_label", None)
        kwargs.pop("null_value", None)
        super().__init__(*args, **kwargs)


class LongChoiceFilter(django_filters.ModelChoiceFilter):
    """A filter by such an object."""

    field_class = LongChoiceField
