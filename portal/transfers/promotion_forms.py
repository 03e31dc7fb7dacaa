"""The form about bringing instances to another environment."""

from typing import Any

from django import forms

from portal.apis.models import ApiInstance
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.transfers.import_forms import SecretsForm
from portal.transfers.promotion import Parts, urls_of


def gateways_for(user: Any, instances: list[ApiInstance]) -> Any:
    """Return the gateways that instances can be brought to by a user."""
    organization = instances[0].environment.organization_id
    rows = Gateway.objects.visible_to(user, "instance.change").filter(environment__organization=organization)
    rows = rows.exclude(pk__in=[each.gateway_id for each in instances]).select_related("environment")
    scope = scope_of(user, "policy.change")
    places = [each.pk for each in rows if scope.covers(organization, each.environment_id)]
    return rows.filter(pk__in=places).order_by("environment__name", "name")


class PromotionForm(SecretsForm):
    """Where to, what goes along, and the addresses that are others there."""

    gateway = forms.ModelChoiceField(queryset=Gateway.objects.none(), label="To", empty_label="Choose a gateway")
    port = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=65535,
        help_text="Empty: the port that it has there, else the same as here.",
    )
    services = forms.BooleanField(
        required=False, initial=True, label="Services and routes", help_text="A new API needs them."
    )
    policies = forms.BooleanField(required=False, initial=True, help_text="Secrets are kept there, or asked for.")
    tiers = forms.BooleanField(required=False, label="SLA tiers")
    labels = forms.BooleanField(required=False, initial=True)
    groups: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("Where to", "", ("gateway", "port")),
        ("What goes along", "", ("services", "policies", "tiers", "labels")),
    )

    def __init__(self, *args: Any, instances: list[ApiInstance], user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gateway: Any = self.fields["gateway"]
        gateway.queryset = gateways_for(user, instances)
        gateway.label_from_instance = lambda each: f"{each.environment.name}: {each.name}"
        self.places: dict[str, tuple[str, str]] = {}
        for number, (instance, service, url) in enumerate(urls_of(instances)):
            name = f"url_{number}"
            self.places[name] = (str(instance.pk), service)
            text = f"Here: {url}. Empty: the one that is there, else this one."
            field = forms.CharField(
                required=False, max_length=500, label=f"{instance}: {service}", help_text=text,
                widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
            )  # fmt: skip
            self.fields[name] = field
            self.dress(field)
        self.groups = (*self.groups, ("Addresses of services there", "", tuple(self.places)))

    def parts(self) -> Parts:
        """Return what goes along."""
        names = ("services", "policies", "tiers", "labels")
        return Parts(**{name: self.cleaned_data[name] for name in names})

    def urls(self) -> dict[str, dict[str, str]]:
        """Return the addresses that were filled in."""
        found: dict[str, dict[str, str]] = {}
        for name, (instance, service) in self.places.items():
            if url := self.cleaned_data[name].strip():
                found.setdefault(instance, {})[service] = url
        return found
