"""As whom an API calls others."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from django import forms

from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.core.forms import ConsoleForm
from portal.landscape.selectors import applications_offered

# More are not listed at once: whoever needs another one looks for its name.
LISTED = 50


def _ids(values: Iterable[Any]) -> Iterator[UUID]:
    """Return those that are ids: what was sent may be anything."""
    for value in values:
        with suppress(ValueError):
            yield value if isinstance(value, UUID) else UUID(str(value))


class CallersForm(ConsoleForm):
    """The client applications with which an API calls others: those chosen, and others whose name has `find` in it."""

    applications = forms.ModelMultipleChoiceField(
        queryset=ClientApplication.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, instance: ApiInstance, find: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        applications: Any = self.fields["applications"]
        offered = applications_offered(instance.environment).order_by("name", "pk")
        applications.queryset = offered
        asked = list(_ids(self["applications"].value() or ()))
        there = list(offered.filter(pk__in=asked)) if asked else []
        others = list(offered.filter(name__icontains=find).exclude(pk__in=asked)[: LISTED + 1])
        # Any of them can be chosen, only these are shown.
        applications.widget.choices = [(each.pk, each.name) for each in (*there, *others[:LISTED])]
        self.find = find
        self.has_more = bool(find) or len(others) > LISTED
        if find and not others:
            self["applications"].help_text = f"None of the others has “{find}” in its name."
        elif not there and not others:
            self["applications"].help_text = "No client application has a contract in this environment yet."
