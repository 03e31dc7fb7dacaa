"""The fields of an endpoint, alike in “Add API” and in the settings of an instance."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from portal.core.setting_forms.form import SettingsForm, Shown
from portal.core.setting_forms.outline import Section
from portal.gateways.models import Gateway


class EndpointForm(SettingsForm):
    """Where consumers call the API, where it runs, and folded what is rarely said of the two."""

    folds = True

    port = forms.IntegerField(min_value=1, max_value=65535)
    base_path = forms.CharField(
        max_length=200,
        help_text="What comes before the API’s own paths, for example /orders. It is not forwarded. "
        "Use / to give this API the whole port.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", "placeholder": "/orders"}),
    )
    implementation_url = forms.CharField(
        label="Implementation URL",
        max_length=500,
        help_text="Where the API runs: the address up to its base path, not a resource. "
        "For example http://orders.example.com:9001/api, and not …/api/orders/17.",
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "spellcheck": "false",
                "autocapitalize": "none",
                "placeholder": "http://orders.example.com:9001/api",
            }
        ),
    )
    label = forms.CharField(
        max_length=80, required=False, help_text="Tells several deployments of one version apart, for example partners."
    )
    consumer_endpoint = forms.CharField(
        label="Consumer endpoint",
        max_length=500,
        required=False,
        help_text="The address consumers use when it is not the gateway’s own, such as that of a load balancer.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    # Further settings, by the name under which the service takes them.
    parts: ClassVar[Mapping[str, Section]] = {}
    groups = (("Consumers call", "", ("port", "base_path")), ("The gateway forwards to", "", ("implementation_url",)))

    def __init__(self, *args: Any, gateway: Gateway, settings: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, outlines=self.parts, settings=settings or {}, **kwargs)
        listeners = ", ".join(f"{listener.port} ({listener.name})" for listener in gateway.listeners.all())
        there = f"{gateway.name} listens on {listeners}. " if listeners else ""
        self.fields["port"].help_text = f"{there}Another port gets a listener of its own."

    def sections(self) -> list[tuple[str, str, list[Any]]]:
        """Put the two groups first and what is optional last. Settings are drawn by themselves."""
        (title, text, fields), *groups = super().sections()
        rest = [field for field in fields if field.name in self.base_fields]
        return [*groups, ("More", text, rest)] if not title else [(title, text, rest), *groups]

    def clean(self) -> dict[str, Any]:
        """Return one value for each of the further settings."""
        cleaned = super().clean()
        own = {name: value for name, value in cleaned.items() if name in self.base_fields}
        return {**own, **{place: self.value_at(place) for place in self.parts}}

    def shown_parts(self) -> list[Shown]:
        """Return the further settings as the template draws them."""
        return [part for place in self.parts for part in self.shown_at(place)]

    def says_more(self) -> bool:
        """Tell whether any of the further settings is not as usual, or wrong."""
        wrong = self.is_bound and any(name.startswith(f"{place}.") for place in self.parts for name in self.errors)
        return wrong or any(part.opened for part in self.shown_parts() if part.kind == "section")
