"""Forms of the developer hub."""

from typing import Any

from django import forms

from portal.contracts.models import ClientApplication, SlaTier
from portal.contracts.selectors import applications_of
from portal.core.forms import ConsoleForm, ConsoleModelForm
from portal.hub.selectors import Place

NEW_APPLICATION = "new"


class ApplicationForm(ConsoleModelForm):
    """How an application is described."""

    url = forms.URLField(
        required=False, assume_scheme="https", label="Address", help_text="Where it can be found, if it has an address."
    )

    class Meta:
        model = ClientApplication
        fields = ["name", "description", "url"]
        help_texts = {
            "name": "As you and the API's provider will see it, for example “Shop app”.",
            "description": "What it does with the APIs. Helps those who approve access.",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class RotationForm(ConsoleForm):
    """How long the old secret goes on beside a new one."""

    overlap_hours = forms.TypedChoiceField(
        coerce=int,
        required=False,
        empty_value=24,  # type: ignore[arg-type]
        choices=[(0, "It ends now"), (1, "For an hour"), (24, "For a day"), (7 * 24, "For a week")],
        initial=24,
        label="How long the present secret keeps working",
    )


class AccessForm(ConsoleForm):
    """Which application asks for access, and under which tier."""

    application = forms.ChoiceField(widget=forms.RadioSelect, label="Application")
    name = forms.CharField(
        max_length=120,
        required=False,
        label="Name of the new application",
        help_text="It gets its client ID and secret at once.",
        error_messages={"required": "Give the new application a name."},
    )
    tier = forms.ModelChoiceField(
        queryset=SlaTier.objects.none(), widget=forms.RadioSelect, label="Plan", empty_label=None
    )

    def __init__(self, *args: Any, person: Any, place: Place, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = set(
            place.instance.contracts.filter(application__owner=person)
            .exclude(status="rejected")
            .values_list("application_id", flat=True)
        )
        own = [application for application in applications_of(person) if application.pk not in taken]
        choices = [(str(application.pk), application.name) for application in own]
        application_field: Any = self.fields["application"]
        application_field.choices = [*choices, (NEW_APPLICATION, "Create a new application")]
        application_field.initial = choices[0][0] if choices else NEW_APPLICATION
        self.fields["name"].required = self.data.get("application", NEW_APPLICATION) == NEW_APPLICATION
        if place.tiers:
            tier_field: Any = self.fields["tier"]
            tier_field.queryset = place.instance.tiers.all()
            tier_field.initial = place.tiers[0].pk
        else:
            del self.fields["tier"]
