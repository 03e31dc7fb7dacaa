"""Forms about an instance that is there."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from portal.apis import instance_settings
from portal.apis.endpoint_form import EndpointForm
from portal.apis.labels import labels_checked, labels_text, labels_typed
from portal.apis.models import ApiInstance
from portal.catalog.models import ApiVersion
from portal.core.errors import ApplicationError
from portal.core.forms import ConsoleForm
from portal.core.setting_forms.outline import Section


class LabelsField(forms.CharField):
    """Labels, one per line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "layer=system"})

    def prepare_value(self, value: Any) -> Any:
        """Show labels as lines."""
        return labels_text(value) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        """Return labels as services take them; REST gives them as an object."""
        try:
            if isinstance(value, dict):
                return labels_checked(value)
            return labels_checked(labels_typed(super().clean(value)))
        except ApplicationError as error:
            raise forms.ValidationError(error.message) from error


class InstanceForm(EndpointForm):
    """The settings of an instance. Those of its services are on their own pages."""

    parts: ClassVar[Mapping[str, Section]] = {"settings": instance_settings.OUTLINE}
    api_version = forms.ModelChoiceField(
        queryset=ApiVersion.objects.none(),
        empty_label=None,
        label="Version",
        help_text="Another version of the same API can take over the endpoint.",
    )
    labels = LabelsField(
        required=False, help_text="Automated policies choose instances by these. One per line: layer=system."
    )

    def __init__(self, *args: Any, instance: ApiInstance, **kwargs: Any) -> None:
        super().__init__(*args, gateway=instance.gateway, **kwargs)
        api_version: Any = self.fields["api_version"]
        api_version.queryset = instance.api_version.api.versions.select_related("api")


class InstanceDeleteForm(ConsoleForm):
    """Asks for the name of what is going to be removed."""

    name = forms.CharField(label="Type its name to go on", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, instance: ApiInstance, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = str(instance)

    def clean_name(self) -> str:
        """Accept only the name itself."""
        if self.cleaned_data["name"].strip() != self.expected:
            raise forms.ValidationError(f"Type “{self.expected}” exactly.")
        return self.expected
