"""The forms of the steps of “Add API”."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from portal.apis import instance_settings, service_settings
from portal.apis.endpoint_form import EndpointForm
from portal.catalog.forms import LAYER_HELP, SourceFormMixin
from portal.catalog.models import ApiVersion, Layer
from portal.catalog.openapi.checks import OpenApi
from portal.catalog.services import NewApi, new_api_from
from portal.core.forms import ConsoleForm
from portal.core.setting_forms.outline import Section, outline_without
from portal.gateways.models import Gateway
from portal.gateways.selectors import gateway_status

__all__ = ["ApiStepForm", "EndpointStepForm", "GatewayStepForm"]


class _GatewayChoice(forms.ModelChoiceField):
    """Names each gateway with its state and ports."""

    def label_from_instance(self, obj: Any) -> str:
        """Return what stands beside the radio button."""
        ports = ", ".join(str(listener.port) for listener in obj.listeners.all())
        return f"{obj.name} · {gateway_status(obj, timezone.now()).state.label.lower()} · port {ports or 'none yet'}"


class GatewayStepForm(ConsoleForm):
    """On which gateway."""

    gateway = _GatewayChoice(
        queryset=Gateway.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        help_text="All replicas of the gateway will serve the API.",
        error_messages={"required": "Choose a gateway.", "invalid_choice": "Choose one of these gateways."},
    )

    def __init__(self, *args: Any, gateways: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["gateway"]
        field.queryset = gateways
        if len(gateways) == 1 and not self.initial.get("gateway"):
            self.initial["gateway"] = gateways[0].pk


EXISTING, IMPORT, NAME = "existing", "import", "name"


class ApiStepForm(SourceFormMixin, ConsoleForm):
    """Which API: one of the catalog, one from a specification, or one by name only."""

    conditional = ("file", "url", "text", "api_version", "name", "version", "layer")
    choice = forms.ChoiceField(
        label="Which API?",
        choices=(
            (EXISTING, "One from the catalog"),
            (IMPORT, "A new one, from its OpenAPI specification"),
            (NAME, "A new one, by name only"),
        ),
        widget=forms.RadioSelect,
    )
    api_version = forms.ModelChoiceField(
        label="API and version", queryset=ApiVersion.objects.none(), empty_label="Choose an API"
    )
    name = forms.CharField(max_length=120, help_text="For example Orders.")
    version = forms.CharField(max_length=40, initial="v1", help_text="For example v1.")
    layer = forms.ChoiceField(choices=Layer.choices, help_text=LAYER_HELP)
    field_order = ("choice", "api_version", "file", "url", "text", "name", "version", "layer")

    def __init__(self, *args: Any, versions: Any, may_create: bool, imported: NewApi | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What was imported when this step was done before: a file need not be chosen again.
        self.imported = imported
        api_version: Any = self.fields["api_version"]
        api_version.queryset = versions
        choice: Any = self.fields["choice"]
        if not may_create:
            choice.choices = choice.choices[:1]
        if not self.initial.get("choice"):
            self.initial["choice"] = EXISTING if versions.exists() or not may_create else IMPORT

    def source_needed(self) -> bool:
        """Leave it to `clean`: it depends on the choice, and on what was imported before."""
        return False

    def clean(self) -> dict[str, Any]:
        """Keep only what belongs to the choice: `api` is an API version or a new API."""
        choice = self.cleaned_data.get("choice")
        if choice != IMPORT:
            for name in ("file", "url", "text"):
                self.cleaned_data[name] = None if name == "file" else ""
        values = super().clean()
        for name in {EXISTING: ("name", "version"), IMPORT: ("name", "version", "api_version")}.get(choice or "", ()):
            self.errors.pop(name, None)
        values["api"] = None
        if choice == EXISTING:
            values["api"] = values.get("api_version")
            if values["api"] is None and "api_version" not in self.errors:
                self.add_error("api_version", "Choose an API, or create a new one.")
        elif choice == IMPORT:
            values["api"] = self._imported(values.get("source", ""), values.get("layer") or Layer.SYSTEM)
        elif choice == NAME:
            if not values.get("name") and "name" not in self.errors:
                self.add_error("name", "Give the API a name.")
            values["api"] = NewApi(
                name=values.get("name", ""),
                version=values.get("version") or "v1",
                layer=values.get("layer") or Layer.SYSTEM,
            )
        return values

    def _imported(self, source: OpenApi | str, layer: str) -> NewApi | None:
        if not isinstance(source, OpenApi):
            if self.imported is None and not {"file", "url", "text"} & set(self.errors):
                self.add_error("file", "Choose a file, or give an address or the text.")
            return replace(self.imported, layer=layer) if self.imported is not None else None
        return new_api_from(source, layer=layer)


class EndpointStepForm(EndpointForm):
    """Port, base path and implementation URL, and folded everything else of the instance and its service.

    What is secret waits until they are there: these entries are kept in a session.
    """

    parts: ClassVar[Mapping[str, Section]] = {
        "service_settings": outline_without(service_settings.OUTLINE, "tls.certificate", *service_settings.SECRET),
        "settings": instance_settings.OUTLINE,
    }
