"""Forms of gateways."""

from django import forms
from django.conf import settings

from portal.core.forms import ConsoleForm


class GatewayForm(ConsoleForm):
    """The name of a gateway and where consumers reach it."""

    name = forms.CharField(max_length=80, help_text="For example Edge or Internal. Its slug is made from it once.")
    public_host = forms.CharField(
        label="Public host",
        max_length=253,
        required=False,
        help_text="The host under which consumers call it, such as api.example.com, without http:// and port. "
        "Leave it empty for this installation's own.",
    )


class GatewayEditForm(GatewayForm):
    """What can be changed later, besides."""

    sampled_percent = forms.FloatField(
        label="Traced requests in percent",
        min_value=0,
        max_value=100,
        required=False,
        help_text="The share of requests whose every step is kept for a day, without anybody asking. 0 is none; "
        "refused requests are kept anyway, and a token traces single ones.",
    )


class GatewayCreateForm(GatewayForm):
    """A new gateway also needs its first port."""

    port = forms.IntegerField(
        min_value=1, max_value=65535, help_text="The first port it listens on. More can be added later."
    )
    field_order = ("name", "port", "public_host")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["port"].initial = settings.GATEWAY_PORT
