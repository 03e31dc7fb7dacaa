"""The console's pages about single requests."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render

from gateway_runtime.schema.trace_token import HEADER
from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.views import Action, ConsoleView, DetailPage, EditPage, Empty, ListPage
from portal.gateways.models import Gateway
from portal.traces.filters import TraceFilter
from portal.traces.forms import TraceStartForm
from portal.traces.models import Trace
from portal.traces.selectors import trace_explained, traces_by_request, traces_dropped
from portal.traces.services import KEPT_HOURS, MadeToken, trace_token_create
from portal.traces.tables import TraceTable

INSTANCES = ApiInstance.objects.select_related("environment__organization", "api_version__api", "gateway", "listener")
TRACES = Trace.objects.select_related("environment__organization").order_by("-at", "-pk")


class TraceList(ListPage):
    """Recent requests of the environment: every refusal, and those that were traced."""

    template_name = "traces/list.html"
    queryset = TRACES.defer("detail")
    permission = "traffic.view"
    title = "Traces"
    subtitle = f"Refused and traced requests of the last {KEPT_HOURS} hours."
    table = TraceTable
    filters = TraceFilter
    search_fields = ("request_id", "path", "code", "policy")
    empty = Empty(
        title="No request was refused or traced",
        text="Every refused request is here within seconds, with its reason. Traced ones have every step.",
        icon="list-search",
        docs="/docs/guides/find-out-why/",
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add what was lost."""
        gateways = Gateway.objects.filter(environment=self.environment)
        return super().get_context(dropped=traces_dropped(gateways=gateways), **context)


class InstanceTraces(TraceList):
    """Those of one API instance."""

    title = ""
    subtitle = ""
    parents = (("APIs", "apis:list"),)
    actions = (
        Action(
            label="Trace this",
            url_name="traces:start",
            permission="traffic.trace",
            icon="list-search",
            with_object=True,
        ),
    )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the instance and show its traces."""
        here = INSTANCES.all().visible_to(request.user, self.permission).filter(environment=self.environment)
        self.object = get_object_or_404(here, pk=kwargs["pk"])
        return super().get(request, *args, **kwargs)

    def get_queryset(self, permission: str = "") -> Any:
        """Return the traces of the instance."""
        return super().get_queryset(permission).filter(instance=str(self.object.pk))


class Why(ConsoleView):
    """Finds the request with an id that somebody has pasted."""

    template_name = "traces/why.html"
    queryset: ClassVar[Any] = TRACES
    permission = "traffic.view"
    title = "Why?"
    subtitle = "What happened to one request."
    parents = (("Traces", "traces:list"),)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go to the one request, show the choice among several, or say that there is none."""
        if not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        asked = request.GET.get("request", "").strip()
        found = list(traces_by_request(self.get_queryset(), asked)[:20]) if asked else []
        if len(found) == 1:
            return redirect(found[0])
        table = TraceTable(request, found) if found else None
        return self.page(asked=asked, table=table, hours=KEPT_HOURS)


class TraceDetail(DetailPage):
    """One request: why it ended as it did, and every step where it was traced."""

    template_name = "traces/detail.html"
    queryset = TRACES
    permission = "traffic.view"
    parents = (("Traces", "traces:list"),)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Explain it."""
        instances = INSTANCES.all().visible_to(self.request.user, "instance.view")
        found = trace_explained(self.object, instances=instances)
        others = traces_by_request(self.get_queryset(), self.object.request_id).exclude(pk=self.object.pk)[:5]
        return super().get_context(explained=found, others=others, **context)


class TraceStart(EditPage):
    """Makes a token and shows it on the answer to the form: it is stored nowhere."""

    rest = Rest("POST", "/trace-tokens/", takes_object=True)
    template_name = "traces/start.html"
    queryset = INSTANCES
    permission = "traffic.trace"
    object_name = "instance"
    form_class = TraceStartForm
    service = trace_token_create
    submit_label = "Make a token"
    message = ""
    parents = (("APIs", "apis:list"),)

    def page_title(self) -> str:
        """Say what is going to be traced."""
        return f"Trace {self.object}"

    def saved(self, result: MadeToken) -> HttpResponse:
        """Show the token, this one time."""
        context = self.get_context(
            made=result,
            entries=[(HEADER, result.token)],
            done_url=console_url(self.request, "traces:instance", self.object.pk),
        )
        return render(self.request, "traces/started.html", context)
