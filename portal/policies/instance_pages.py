"""What the pages of policies share: the API instance of the address, and bindings that belong to it."""

from typing import Any

from django.http import HttpRequest

from portal.apis.models import ApiInstance
from portal.core.links import console_url
from portal.core.views import ObjectView
from portal.policies.models import PolicyBinding

INSTANCES = ApiInstance.objects.select_related("environment__organization", "api_version__api", "gateway")
BINDINGS = PolicyBinding.objects.select_related("instance__environment__organization", "instance__gateway")


def pages_above(request: HttpRequest, instance: ApiInstance) -> list[tuple[str, str]]:
    return [
        ("APIs", console_url(request, "apis:list")),
        (str(instance), instance.get_absolute_url()),
        ("Policies", console_url(request, "policies:list", instance.pk)),
    ]


class InstancePage(ObjectView):
    """A page about the API instance of the address."""

    queryset = INSTANCES
    permission = "policy.view"
    object_name = "instance"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Let the object of the page be the instance."""
        super().setup(request, *args, **kwargs)
        self.kwargs = {**kwargs, "pk": kwargs["instance_pk"]}

    def breadcrumbs(self) -> list[tuple[str, str]]:
        """Return the way through the instance's pages."""
        return pages_above(self.request, self.object)


class BindingView(ObjectView):
    """A page or button of one binding, which must belong to the instance of the address."""

    queryset = BINDINGS
    permission = "policy.change"
    object_name = "binding"

    def get_queryset(self, permission: str = "") -> Any:
        """Return the bindings of the instance of the address."""
        return super().get_queryset(permission).filter(instance_id=self.kwargs["instance_pk"])
