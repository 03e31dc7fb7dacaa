"""The fields of an endpoint, alike in “Add API” and in the settings of an instance."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.gateways.models import Gateway


class EndpointForm(ConsoleForm):
    """Where consumers call the API, and where it runs."""

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
    groups = (("Consumers call", "", ("port", "base_path")), ("The gateway forwards to", "", ("implementation_url",)))

    def __init__(self, *args: Any, gateway: Gateway, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listeners = ", ".join(f"{listener.port} ({listener.name})" for listener in gateway.listeners.all())
        there = f"{gateway.name} listens on {listeners}. " if listeners else ""
        self.fields["port"].help_text = f"{there}Another port gets a listener of its own."

    def sections(self) -> list[tuple[str, str, list[Any]]]:
        """Put the two groups first and what is optional last."""
        (title, text, rest), *groups = super().sections()
        return [*groups, ("More", text, rest)] if not title else [(title, text, rest), *groups]
