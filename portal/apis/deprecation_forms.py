"""Forms about deprecating."""

from typing import Any

from django import forms

from portal.catalog.models import Api, ApiVersion
from portal.core.forms import ConsoleForm


class DayInput(forms.DateInput):
    """A day as browsers choose one."""

    input_type = "date"

    def format_value(self, value: Any) -> Any:
        """Write it as the control reads it, in every language."""
        return value.isoformat() if hasattr(value, "isoformat") else value


class DeprecationForm(ConsoleForm):
    """Since when, until when, and what comes after."""

    since = forms.DateField(
        required=False, widget=DayInput, label="Deprecated since", help_text="Empty: today. Callers read it in answers."
    )
    sunset = forms.DateField(
        required=False,
        widget=DayInput,
        label="Ends on",
        help_text="From this day on it may be gone. Nothing is stopped by itself.",
    )
    successor = forms.CharField(
        max_length=500,
        required=False,
        help_text="Where callers read about what comes after it, such as the page of the newer version in the hub.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )


class VersionDeprecationForm(DeprecationForm):
    """The same for every instance of a version."""

    api_version = forms.ModelChoiceField(queryset=ApiVersion.objects.none(), empty_label=None, label="Version")
    field_order = ("api_version", "since", "sunset", "successor")

    def __init__(self, *args: Any, api: Api, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        api_version: Any = self.fields["api_version"]
        api_version.queryset = api.versions.select_related("api")
