"""What can be done to many API instances at once, of what belongs to instances themselves."""

from typing import Any

from django import forms

from portal.apis.deprecation import instance_deprecate, instance_undeprecate
from portal.apis.deprecation_forms import DeprecationForm
from portal.apis.forms import LabelsField
from portal.apis.labels import Labels
from portal.apis.models import ApiInstance, InstanceStatus
from portal.apis.services import instance_delete, instance_start, instance_stop, instance_update
from portal.core.bulk import BulkAction, Chosen, register
from portal.core.forms import ConsoleForm

PLACE = "instances"


def start(*, actor: Any, row: ApiInstance) -> str:
    """Start one."""
    if row.status == InstanceStatus.ACTIVE:
        return ""
    instance_start(actor=actor, instance=row)
    return "stopped → active"


def stop(*, actor: Any, row: ApiInstance) -> str:
    """Stop one."""
    if row.status == InstanceStatus.STOPPED:
        return ""
    instance_stop(actor=actor, instance=row)
    return f"active → stopped: callers of {row.base_path} get 404"


def deprecate(*, actor: Any, row: ApiInstance, **values: Any) -> str:
    """Deprecate one."""
    before = (row.deprecated, row.deprecated_on, row.sunset_on, row.successor)
    instance_deprecate(actor=actor, instance=row, **values)
    if before == (row.deprecated, row.deprecated_on, row.sunset_on, row.successor):
        return ""
    until = f", ends on {row.sunset_on:%-d %b %Y}" if row.sunset_on else ""
    return f"deprecated since {row.deprecated_on:%-d %b %Y}{until}"


def undeprecate(*, actor: Any, row: ApiInstance) -> str:
    """Take the deprecation of one back."""
    if not row.deprecated:
        return ""
    instance_undeprecate(actor=actor, instance=row)
    return "not deprecated any more"


def labels_add(*, actor: Any, row: ApiInstance, labels: Labels) -> str:
    """Add labels to one; a label that is there gets the new value."""
    return _labelled(actor, row, {**row.labels, **labels})


def labels_remove(*, actor: Any, row: ApiInstance, names: list[str]) -> str:
    """Take labels from one."""
    return _labelled(actor, row, {name: value for name, value in row.labels.items() if name not in names})


def remove(*, actor: Any, row: ApiInstance, **_: Any) -> str:
    """Remove one."""
    count = row.policies.count() if hasattr(row, "policies") else 0
    said = f"{count} polic{'y' if count == 1 else 'ies'}, its routes and contracts go with it"
    instance_delete(actor=actor, instance=row)
    return f"removed: {said}"


def _labelled(actor: Any, row: ApiInstance, labels: Labels) -> str:
    before = {name: value for name, value in row.labels.items() if labels.get(name) != value}
    after = {name: value for name, value in labels.items() if row.labels.get(name) != value}
    if not before and not after:
        return ""
    instance_update(actor=actor, instance=row, labels=labels)
    gone = [f"{name}={value} goes" for name, value in before.items() if name not in after]
    return ", ".join([*(f"{name}={value}" for name, value in after.items()), *gone])


class BulkForm(ConsoleForm):
    """A form about the chosen rows."""

    def __init__(self, *args: Any, chosen: Chosen, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.chosen = chosen


class BulkDeprecationForm(BulkForm, DeprecationForm):
    """Since when, until when, and what comes after all of them."""


class LabelsAddForm(BulkForm):
    """Which labels to add."""

    labels = LabelsField(help_text="One per line: layer=system. A label that is there gets the new value.")


class LabelsRemoveForm(BulkForm):
    """Which labels to take away: those that any of the chosen has."""

    names = forms.MultipleChoiceField(label="Labels", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, chosen: Chosen, **kwargs: Any) -> None:
        super().__init__(*args, chosen=chosen, **kwargs)
        found = sorted({name for row in chosen.rows for name in row.labels})
        names: Any = self.fields["names"]
        names.choices = [(name, name) for name in found]
        if not found:
            names.help_text = "None of them has a label."


class RemoveForm(BulkForm):
    """Asks for words that say how many go."""

    words = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}))

    def __init__(self, *args: Any, chosen: Chosen, **kwargs: Any) -> None:
        super().__init__(*args, chosen=chosen, **kwargs)
        self.expected = f"remove {len(chosen.rows)}"
        self.fields["words"].label = f"Type “{self.expected}” to go on"
        self.fields["words"].help_text = "Policies, routes and contracts go with them. This cannot be undone."

    def clean_words(self) -> str:
        """Accept only those words."""
        if " ".join(self.cleaned_data["words"].split()).lower() != self.expected:
            raise forms.ValidationError(f"Type “{self.expected}” exactly.")
        return self.expected


def bulk_actions_register() -> None:
    """Offer them on the list of instances."""
    change = "instance.change"
    for action in (
        BulkAction(name="start", title="Start", permission=change, run=start, icon="player-play", order=10),
        BulkAction(name="stop", title="Stop", permission=change, run=stop, icon="player-stop", order=11),
        BulkAction(
            name="deprecate", title="Deprecate", permission=change, run=deprecate, form=BulkDeprecationForm,
            icon="sunset-2", order=20,
        ),
        BulkAction(name="undeprecate", title="Take deprecation back", permission=change, run=undeprecate, order=21),
        BulkAction(
            name="labels-add", title="Add labels", permission=change, run=labels_add, form=LabelsAddForm, order=30
        ),
        BulkAction(
            name="labels-remove", title="Remove labels", permission=change, run=labels_remove, form=LabelsRemoveForm,
            order=31,
        ),
        BulkAction(
            name="remove", title="Remove", permission=change, run=remove, form=RemoveForm, dangerous=True, order=90
        ),
    ):  # fmt: skip
        register(PLACE, action)
