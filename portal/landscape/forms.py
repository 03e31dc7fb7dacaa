"""As whom an API calls others."""

from typing import Any

from django import forms

from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.core.forms import ConsoleForm
from portal.landscape.selectors import applications_offered


class CallersForm(ConsoleForm):
    """The client applications with which an API calls others."""

    applications = forms.ModelMultipleChoiceField(
        queryset=ClientApplication.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, instance: ApiInstance, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        applications: Any = self.fields["applications"]
        applications.queryset = applications_offered(instance.environment).order_by("name", "pk")
        if not applications.queryset.exists():
            applications.help_text = "No client application has a contract in this environment yet."
