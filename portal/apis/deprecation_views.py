"""The console's pages about deprecating an instance, or a version with all of its instances."""

from typing import Any

from portal.apis.deprecation import instance_deprecate, instance_undeprecate, version_deprecate
from portal.apis.deprecation_forms import DeprecationForm, VersionDeprecationForm
from portal.apis.models import ApiInstance
from portal.apis.views import InstancePage
from portal.catalog.models import Api
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.views import ActionView, EditPage


class InstanceDeprecate(InstancePage, EditPage):
    """Tell callers that an instance should not be used any more."""

    rest = Rest("POST", "/api-instances/{object.pk}/deprecate/")
    template_name = "apis/deprecate.html"
    permission = "instance.change"
    form_class = DeprecationForm
    service = instance_deprecate
    submit_label = "Deprecate"
    message = "Callers read it in every answer within a second."

    def page_title(self) -> str:
        """Say what is going to happen."""
        return f"Deprecate {self.object}"

    def form_arguments(self) -> dict[str, Any]:
        """Begin with what was said before."""
        instance = self.object
        return {
            "initial": {
                "since": instance.deprecated_on,
                "sunset": instance.sunset_on,
                "successor": instance.successor,
            }
        }


class InstanceUndeprecate(InstancePage, ActionView):
    """Take a deprecation back."""

    rest = Rest("POST", "/api-instances/{object.pk}/undeprecate/", body=False)
    permission = "instance.change"
    service = instance_undeprecate
    message = "{object} is not deprecated any more."


class VersionDeprecate(EditPage):
    """Deprecate a version of an API, and its instances that the user may change."""

    rest = Rest("POST", "/api-versions/{view.form.cleaned_data[api_version].pk}/deprecate/", names={"api_version": ""})
    queryset = Api.objects.select_related("organization")
    permission = "api.deprecate"
    form_class = VersionDeprecationForm
    submit_label = "Deprecate"
    parents = (("Catalog", "catalog:list"),)
    message = "The version is deprecated, and so are its API instances."

    def page_title(self) -> str:
        """Say what is going to happen."""
        return f"Deprecate a version of {self.object}"

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Lead back to the API."""
        above = [(title, console_url(self.request, name)) for title, name in self.parents]
        return [*above, (str(self.object), self.cancel_url())]

    def cancel_url(self) -> str:
        """Return the page of the API."""
        return console_url(self.request, "catalog:detail", self.object.pk)

    def form_arguments(self) -> dict[str, Any]:
        """Offer the versions of the API."""
        return {"api": self.object}

    def save(self, values: dict[str, Any]) -> None:
        """Deprecate it wherever the user may."""
        rows = ApiInstance.objects.visible_to(self.request.user, "instance.change")
        rows = rows.filter(api_version=values["api_version"]).select_related("api_version__api", "gateway")
        version_deprecate(actor=self.request.user, instances=rows, **values)

    def success_url(self, result: Any) -> str:
        """Go to the API."""
        return self.cancel_url()
