"""What the steps of “Add API” share. They work without script, and “Back” keeps what was typed."""

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from portal.apis.add_state import STEPS, AddApiState, unpacked
from portal.catalog.models import ApiVersion
from portal.catalog.services import NewApi
from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.links import console_url
from portal.core.permissions import scope_of
from portal.core.views import ConsoleView
from portal.gateways.models import Gateway

TITLES = {"gateway": "Gateway", "api": "API", "endpoint": "Endpoint", "review": "Review"}


class StepLost(Exception):
    """What was chosen in a step is not there any more."""

    def __init__(self, step: str, sentence: str) -> None:
        super().__init__(sentence)
        self.step = step


class AddApiStep(ConsoleView):
    """What the steps share: their order, and the entries made so far."""

    permission = "instance.change"
    title = "Add API"
    parents = (("APIs", "apis:list"),)
    step: ClassVar[str]
    submit_label = "Next"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Check that one may deploy here, and lead back to the first step that is not done."""
        if request.user.is_authenticated:
            if not self.held_here(self.permission):
                raise Denied(self.permission, self.title)
            self.state = AddApiState(request)
            if STEPS.index(self.step) > STEPS.index(self.state.first_open()):
                return redirect(self.address(self.state.first_open()))
        try:
            return super().dispatch(request, *args, **kwargs)
        except StepLost as lost:
            messages.error(request, str(lost))
            self.state.keep(lost.step, self.state.typed(lost.step))
            return redirect(self.address(lost.step))

    def address(self, step: str) -> str:
        """Return the address of a step."""
        return console_url(self.request, f"apis:add_{step}")

    def gateways(self) -> Any:
        """Return the gateways that can be chosen."""
        return (
            Gateway.objects.visible_to(self.request.user, "gateway.view")
            .filter(environment=self.environment)
            .prefetch_related("listeners", "replicas")
        )

    def gateway(self) -> Gateway:
        """Return the chosen gateway."""
        chosen = self.gateways().filter(pk=self.state.values("gateway").get("gateway")).first()
        if chosen is None:
            raise StepLost("gateway", "The gateway is not there any more. Choose another one.")
        return chosen

    def versions(self) -> Any:
        """Return the API versions that can be chosen."""
        return (
            ApiVersion.objects.visible_to(self.request.user, "api.view")
            .filter(api__organization=self.environment.organization)
            .select_related("api")
        )

    def may_create(self) -> bool:
        """Tell whether the user may add an API to the organization's catalog."""
        return scope_of(self.request.user, "api.change").covers(self.environment.organization_id)

    def api(self) -> ApiVersion | NewApi:
        """Return the chosen or new API."""
        values = self.state.values("api")
        if "new" in values:
            return unpacked(values["new"])
        chosen = self.versions().filter(pk=values.get("api_version")).first()
        if chosen is None:
            raise StepLost("api", "The API version is not there any more. Choose another one.")
        return chosen

    def form(self, data: Any = None, files: Any = None) -> Any:
        """Return the form of this step, with what was typed before."""
        raise NotImplementedError

    def checked(self, form: Any) -> dict[str, Any]:
        """Return the values to keep. Raises `ApplicationError` when they cannot be deployed."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the step."""
        return self.step_page(form=self.form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go back with what was typed, or check it and go on."""
        position = STEPS.index(self.step)
        if "back" in request.POST:
            self.state.keep(self.step, self.typed(), self.state.values(self.step))
            return redirect(self.address(STEPS[max(0, position - 1)]))
        form = self.form(request.POST, request.FILES)
        if form.is_valid():
            try:
                values = self.checked(form)
            except ApplicationError as error:
                form.add_application_error(error)
            else:
                self.state.keep(self.step, self.typed(), values)
                return redirect(self.address(STEPS[position + 1]))
        return self.step_page(status=422, form=form)

    def typed(self) -> dict[str, Any]:
        """Return the posted values that the form is shown with when one comes back. A document is too large for it."""
        skipped = {"csrfmiddlewaretoken", "back", "text"}
        return {name: value for name, value in self.request.POST.items() if name not in skipped}

    def step_page(self, status: int = 200, **context: Any) -> HttpResponse:
        """Answer with the step and the way through all of them."""
        reached = STEPS.index(self.state.first_open())
        steps = [
            {
                "title": TITLES[step],
                "url": self.address(step) if index <= reached else "",
                "current": step == self.step,
                "done": index < reached,
            }
            for index, step in enumerate(STEPS)
        ]
        cancel = console_url(self.request, "apis:add_cancel")
        return self.page(
            status=status, steps=steps, first=self.step == STEPS[0], cancel_url=cancel,
            submit_label=self.submit_label, **context,
        )  # fmt: skip
