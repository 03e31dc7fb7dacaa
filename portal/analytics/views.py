"""The dashboard of an environment and of one API instance."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from gateway_runtime.policies.registry import all_definitions
from portal.analytics.ranges import DEFAULT_RANGE, QUICK_RANGES, TimeRange, quick_range
from portal.analytics.selectors import (
    Traffic,
    application_names,
    environment_traffic,
    instance_traffic,
    traffic_accounting,
)
from portal.apis.models import ApiInstance
from portal.core.links import console_url
from portal.core.views import ConsoleView, ObjectView
from portal.gateways.models import Gateway


class EnvironmentDashboard(ConsoleView):
    """Traffic of everything in the environment.

    htmx asks for the figures again every few seconds; the charts fetch theirs from the REST API.
    """

    queryset: ClassVar[Any] = Gateway.objects
    permission = "traffic.view"
    title = "Analytics"
    template_name = "analytics/dashboard.html"
    figures_template_name: ClassVar[str] = "analytics/figures.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or the figures alone when htmx refreshes them."""
        template = self.figures_template_name if request.htmx else self.template_name  # type: ignore[attr-defined]
        return render(request, template, self.get_context())

    def subject(self) -> dict[str, str]:
        """Return what the REST API is asked about."""
        return {"environment": str(self.environment.pk)}

    def traces_url(self) -> str:
        """Return where the requests behind a refusal are."""
        return console_url(self.request, "traces:list")

    def traffic(self, time_range: TimeRange) -> Traffic:
        """Return the traffic this page is about."""
        return environment_traffic(user=self.request.user, environment=self.environment, time_range=time_range)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the figures, the ranges, and where the charts' data is."""
        time_range = quick_range(self.request.GET.get("range", DEFAULT_RANGE))
        traffic = self.traffic(time_range)
        names = application_names(environment=self.environment, ids=[pk for pk, _ in traffic.applications])
        titles = {definition.name: definition.title for definition in all_definitions()}
        query = urlencode({**self.subject(), "range": time_range.key})
        return super().get_context(
            traffic=traffic,
            ranges=[(key, title) for key, (title, *_) in QUICK_RANGES.items()],
            data_url=f"{reverse('traffic')}?{query}",
            refusals=[(titles.get(row.policy, row.policy), row) for row in traffic.refusals],
            applications=[(names.get(pk, pk), count) for pk, count in traffic.applications],
            traces_url=self.traces_url(),
            accounting=traffic_accounting(gateways=Gateway.objects.filter(environment=self.environment)),
            **context,
        )


class InstanceDashboard(EnvironmentDashboard, ObjectView):
    """Traffic of one API instance."""

    queryset = ApiInstance.objects
    view_permission = "instance.view"
    parents = (("APIs", "apis:list"),)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Find the instance and show its figures."""
        self.object = self.get_object()
        return super().get(request, *args, **kwargs)

    def page_title(self) -> str:
        """Return the instance's name: its pages share one heading and are told apart by their tabs."""
        return str(self.object)

    def subject(self) -> dict[str, str]:
        """Ask about this instance alone."""
        return {"instance": str(self.object.pk)}

    def traces_url(self) -> str:
        """Return those of this instance."""
        return console_url(self.request, "traces:instance", self.object.pk)

    def traffic(self, time_range: TimeRange) -> Traffic:
        """Return the traffic of this instance."""
        return instance_traffic(user=self.request.user, instance=self.object, time_range=time_range)
