"""The steps of “Add API”: gateway, API, endpoint, review."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify

from portal.apis.add_forms import ApiStepForm, EndpointStepForm, GatewayStepForm
from portal.apis.add_state import AddApiState, packed, unpacked
from portal.apis.add_step import AddApiStep
from portal.apis.selectors import endpoint_url
from portal.apis.services import endpoint_check, instance_deploy
from portal.catalog.models import ApiVersion
from portal.catalog.services import NewApi, api_create_from
from portal.core.commands import call
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.setting_forms.posted import ADD, REMOVE, posted_again
from portal.core.views import ConsoleView
from portal.gateways.ports import port_warning


class AddGateway(AddApiStep):
    """Which gateway."""

    template_name = "apis/add_gateway.html"
    step = "gateway"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Take a choice made on another page: `?gateway=` or `?api_version=`."""
        version = request.GET.get("api_version", "")
        if version:
            self.state.keep("api", {"choice": "existing", "api_version": version})
        return super().get(request, *args, **kwargs)

    def form(self, data: Any = None, files: Any = None) -> GatewayStepForm:
        """Offer the gateways of the environment."""
        initial = self.state.typed("gateway")
        if asked := self.request.GET.get("gateway"):
            initial["gateway"] = asked
        return GatewayStepForm(data, gateways=self.gateways(), initial=initial)

    def checked(self, form: Any) -> dict[str, Any]:
        """Keep the gateway's id."""
        return {"gateway": str(form.cleaned_data["gateway"].pk)}

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Say when there is no gateway to choose."""
        return super().get_context(no_gateway=not self.gateways().exists(), **context)


class AddApi(AddApiStep):
    """Which API: of the catalog, from a specification, or by name only."""

    template_name = "apis/add_api.html"
    step = "api"

    def form(self, data: Any = None, files: Any = None) -> ApiStepForm:
        """Offer the catalog and the two ways to add to it."""
        values = self.state.values("api")
        new = unpacked(values["new"]) if "new" in values else None
        imported = new if new is not None and new.source else None
        return ApiStepForm(
            data, files, versions=self.versions(), may_create=self.may_create(), imported=imported,
            initial=self.state.typed("api"),
        )  # fmt: skip

    def checked(self, form: Any) -> dict[str, Any]:
        """Keep the version's id, or the new API after a rehearsal of adding it."""
        api = form.cleaned_data["api"]
        if isinstance(api, ApiVersion):
            return {"api_version": str(api.pk)}
        if not self.may_create():
            raise Denied("api.change", self.title)
        api = api.checked()
        with transaction.atomic():
            try:
                api_create_from(actor=self.request.user, organization=self.environment.organization, new=api)
            finally:
                transaction.set_rollback(True)
        return {"new": packed(api)}


class AddEndpoint(AddApiStep):
    """Port, base path and implementation URL."""

    template_name = "apis/add_endpoint.html"
    step = "endpoint"

    def form(self, data: Any = None, files: Any = None) -> EndpointStepForm:
        """Suggest the gateway's first port, and a path made of the API's name."""
        gateway, api = self.gateway(), self.api()
        listener, typed = gateway.listeners.first(), self.state.typed("endpoint")
        suggested = {"port": listener.port if listener is not None else None, "base_path": suggested_base_path(api)}
        own = {name: value for name, value in typed.items() if name in EndpointStepForm.base_fields}
        settings = {place: posted_again(part, typed, place) for place, part in EndpointStepForm.parts.items() if typed}
        return EndpointStepForm(data, gateway=gateway, initial=suggested | own, settings=settings)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go on; or, for browsers without JavaScript, show the step with a row more or less."""
        if ADD in request.POST or REMOVE in request.POST:
            self.state.keep("endpoint", self.typed())
            return self.step_page(form=self.form())
        return super().post(request, *args, **kwargs)

    def checked(self, form: Any) -> dict[str, Any]:
        """Check the endpoint as it will be checked when it is deployed."""
        values = form.cleaned_data
        label = values.pop("label")
        endpoint_check(environment=self.environment, gateway=self.gateway(), name=api_name(self.api()), **values)
        return values | {"label": label}


class AddReview(AddApiStep):
    """Everything at one glance, then deploy."""

    template_name = "apis/add_review.html"
    step = "review"
    submit_label = "Deploy"

    def form(self, data: Any = None, files: Any = None) -> Any:
        """There is nothing to fill in."""
        return None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Deploy, or show what has become wrong since."""
        if "back" in request.POST:
            return redirect(self.address("endpoint"))
        try:
            api = self.api()
            if isinstance(api, NewApi) and not self.may_create():
                raise Denied("api.change", self.title)
            instance = instance_deploy(
                actor=request.user, environment=self.environment, gateway=self.gateway(), api=api,
                **self.state.values("endpoint"),
            )  # fmt: skip
        except ApplicationError as error:
            return self.step_page(status=422, refused=error)
        self.state.clear()
        messages.success(request, f"{instance} is on its way to {instance.gateway.name}.")
        return redirect(instance.get_absolute_url())

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add what will be deployed."""
        gateway, api, endpoint = self.gateway(), self.api(), self.state.values("endpoint")
        port, base_path = endpoint["port"], endpoint["base_path"]
        return super().get_context(
            commands=[call("POST", "/api-instances/", self._asked(api))],
            gateway=gateway,
            api_name=api_name(api),
            new_api=api if isinstance(api, NewApi) else None,
            endpoint=endpoint,
            url=endpoint["consumer_endpoint"] or endpoint_url(gateway, port, base_path),
            new_port=not gateway.listeners.filter(port=port).exists(),
            warning=port_warning(gateway=gateway, port=port),
            **context,
        )

    def _asked(self, api: ApiVersion | NewApi) -> dict[str, Any]:
        """Return what REST is asked for the same."""
        place = {"environment": self.environment, "gateway": self.gateway()}
        if isinstance(api, NewApi):
            source = "CONTENT_OF_THE_SPECIFICATION" if api.source else ""
            new = {"name": api.name, "version": api.version, "layer": api.layer, "visibility": api.visibility}
            return {**place, "new_api": new | ({"source": source} if source else {}), **self.state.values("endpoint")}
        return {**place, "api_version": api, **self.state.values("endpoint")}


class AddCancel(ConsoleView):
    """Forget what was entered."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Forget it and go to the list."""
        AddApiState(request).clear()
        return redirect(console_url(request, "apis:list"))


def api_name(api: ApiVersion | NewApi) -> str:
    """Return name and version."""
    return f"{api.name} {api.version}" if isinstance(api, NewApi) else str(api)


def suggested_base_path(api: ApiVersion | NewApi) -> str:
    """Return a base path made of the API's name."""
    return f"/{slugify(api.name)[:60] if isinstance(api, NewApi) else api.api.slug}"
