"""Forms about exporting."""

from django import forms

from portal.core.forms import ConsoleForm


class ExportForm(ConsoleForm):
    """What goes into a file besides the instances with their services, routes and policies."""

    tiers = forms.BooleanField(required=False, label="SLA tiers", help_text="The tiers that the APIs offer.")
    contracts = forms.BooleanField(
        required=False,
        label="Client applications",
        help_text="Those with an active contract. Their secrets become variables, too.",
    )
    automated = forms.BooleanField(
        required=False,
        label="Automated policies",
        help_text="Those of this environment that act on the APIs. A gateway without a portal needs them to do the "
        "same; an import leaves them out.",
    )
