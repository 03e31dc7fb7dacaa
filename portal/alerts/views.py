"""Alerts in the console."""

from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from portal.alerts.filters import AlertFilter
from portal.alerts.forms import AlertForm, SilenceForm
from portal.alerts.models import AlertKind, AlertRule
from portal.alerts.notices import alert_test
from portal.alerts.selectors import alert_preview, rule_state, rules_with_state
from portal.alerts.services import (
    alert_create,
    alert_delete,
    alert_disable,
    alert_enable,
    alert_silence,
    alert_update,
)
from portal.alerts.tables import AlertTable
from portal.alerts.wording import condition_in_words
from portal.apis.models import ApiInstance
from portal.core.commands import Rest
from portal.core.pages import Service
from portal.core.permissions import rows_here
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage

ALERTS = ("Alerts", "alerts:list")
PREVIEW = "_preview"
EPISODES_SHOWN = 50
KINDS = {
    AlertKind.REQUESTS: ("chart-bar", "More, or fewer, requests than usual."),
    AlertKind.RESPONSE_TIME: ("clock", "Answers take too long."),
    AlertKind.STATUSES: ("alert-triangle", "Answers with certain status codes, such as 5xx."),
    AlertKind.VIOLATIONS: ("shield", "Policies refuse requests."),
    AlertKind.GATEWAY: ("building-bridge-2", "No replica of a gateway is heard of any more."),
    AlertKind.CERTIFICATE: ("certificate", "A certificate has to be renewed soon."),
    AlertKind.CONTRACT: ("file-certificate", "Access is asked for, granted or taken away."),
}


class Alerts(ListPage):
    """The alerts of an environment, each with its state."""

    queryset = rules_with_state(AlertRule.objects.select_related("environment__organization")).order_by("name", "pk")
    permission = "alert.view"
    table = AlertTable
    filters = AlertFilter
    search_fields = ("name",)
    title = "Alerts"
    subtitle = "Who is told when traffic, a gateway, a certificate or a contract needs somebody."
    actions = (
        Action(label="Notices", url_name="alerts:notices", permission="alert.view", icon="mail", primary=False),
        Action(label="Webhooks", url_name="alerts:webhooks", permission="alert.view", icon="webhook", primary=False),
        Action(label="Add alert", url_name="alerts:create", permission="alert.change", icon="plus"),
    )
    empty = Empty(
        title="No alerts yet",
        text="An alert tells people by e-mail, or programs by webhook, when something has to be looked at.",
        icon="bell",
        docs="/docs/guides/get-alerts/",
    )


class AlertDetail(DetailPage):
    """One alert: its condition, who is told, and when it was met."""

    queryset = rules_with_state(AlertRule.objects.select_related("environment__organization"))
    permission = "alert.view"
    template_name = "alerts/detail.html"
    place = "alert"
    parents = (ALERTS,)
    actions = (
        Action(label="Edit", url_name="alerts:edit", permission="alert.change", icon="pencil", with_object=True),
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add state, history and receivers."""
        episodes = Paginator(self.object.episodes.order_by("-started_at", "-pk"), EPISODES_SHOWN)
        return super().get_context(
            state=rule_state(self.object),
            silenced=self.object.silenced_until is not None and self.object.silenced_until > timezone.now(),
            condition=condition_in_words(self.object),
            instances=self.object.instances.select_related("api_version__api", "environment__organization"),
            webhooks=self.object.webhooks.all(),
            page_obj=episodes.get_page(self.request.GET.get("page")),
            **context,
        )


class AlertPage(EditPage):
    """What adding and changing an alert share: a preview beside saving."""

    queryset = AlertRule.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "rule"
    form_class: ClassVar[type[Any]] = AlertForm
    service: ClassVar[Service] = alert_update
    template_name = "alerts/edit.html"
    parents = (ALERTS,)

    @property
    def kind(self) -> str:
        """Return the kind of the alert that is edited."""
        return self.object.kind

    def form_arguments(self) -> dict[str, Any]:
        """Offer what is of this environment and may be seen."""
        instances = ApiInstance.objects.select_related("api_version__api")
        return {
            "kind": self.kind,
            "environment": self.environment,
            "instances": rows_here(instances, self.request.user, self.environment, "instance.view"),
            "rule": self.object,
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save, or only say how often it would have fired."""
        if PREVIEW not in request.GET:
            return super().post(request, *args, **kwargs)
        self.form = self.form_class(self.posted(request.POST), **self.form_arguments())
        if not self.form.is_valid():
            return self.form_page(status=422)
        values = dict(self.form.cleaned_data)
        for name in ("webhooks", "emails", "notify_recovery"):
            values.pop(name, None)
        instances = list(values.pop("instances", ()))
        preview = alert_preview(environment=self.environment, kind=self.kind, instances=instances, settings=values)
        return self.form_page(preview=preview)


class AlertCreate(AlertPage):
    """Makes an alert of the kind in the address; without one, the kinds are offered."""

    rest = Rest("POST", "/alerts/")
    service = alert_create
    submit_label = "Add alert"
    message = "The alert is watched from now on."

    @property
    def kind(self) -> str:
        """Return the kind in the address."""
        kind = self.request.GET.get("kind", "")
        if kind not in AlertKind.values:
            raise Http404("There is no such kind of alert.")
        return kind

    def page_title(self) -> str:
        """Name the kind once it is chosen."""
        chosen = self.request.GET.get("kind", "")
        return f"Add alert: {AlertKind(chosen).label.lower()}" if chosen in AlertKind.values else "Add alert"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Offer the kinds, or show the form."""
        if "kind" in request.GET:
            return super().get(request, *args, **kwargs)
        kinds = [(kind, AlertKind(kind).label, icon, text) for kind, (icon, text) in KINDS.items()]
        self.template_name = "alerts/kinds.html"  # type: ignore[misc]
        return self.page(kinds=kinds)

    def service_arguments(self) -> dict[str, Any]:
        """Add environment and kind."""
        return {"environment": self.environment, "kind": self.kind}


class AlertEdit(AlertPage):
    """Changes an alert."""

    rest = Rest("PATCH", "/alerts/{object.pk}/")


class AlertAction(ActionView):
    """A button of an alert."""

    queryset = AlertRule.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "rule"


class AlertEnable(AlertAction):
    """Switches an alert on."""

    rest = Rest("POST", "/alerts/{object.pk}/enable/", body=False)
    service = alert_enable
    title = "Switch alert on"
    message = "{object} is watched again."


class AlertDisable(AlertAction):
    """Switches an alert off."""

    rest = Rest("POST", "/alerts/{object.pk}/disable/", body=False)
    service = alert_disable
    title = "Switch alert off"
    message = "{object} is not watched any more."


class AlertSilence(AlertAction):
    """Tells nobody for some time."""

    rest = Rest("POST", "/alerts/{object.pk}/silence/")
    service = alert_silence
    form_class = SilenceForm
    title = "Silence alert"

    def success_message(self, result: Any) -> str:
        """Say until when."""
        if result.silenced_until is None:
            return f"{result} tells again."
        return f"{result} tells nobody until {result.silenced_until:%Y-%m-%d %H:%M} UTC."


class AlertTest(AlertAction):
    """Sends a test to every receiver."""

    rest = Rest("POST", "/alerts/{object.pk}/test/", body=False)
    service = alert_test
    title = "Send a test"
    message = "A test is on its way to everybody whom {object} tells. See Notices for what becomes of it."

    def success_url(self, result: Any) -> str:
        """Stay on the alert."""
        return self.object.get_absolute_url()


class AlertDelete(AlertAction):
    """Deletes an alert."""

    rest = Rest("DELETE", "/alerts/{object.pk}/")
    service = alert_delete
    title = "Delete alert"
    message = "{object} is deleted."
    success_url_name = "alerts:list"
