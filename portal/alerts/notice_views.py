"""Webhooks and notices in the console."""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Count
from django.http import HttpResponse

from portal.alerts.delivery import NOTICE, SIGNATURE
from portal.alerts.filters import NoticeFilter
from portal.alerts.forms import WebhookForm
from portal.alerts.models import AlertNotice, AlertWebhook, NoticeState
from portal.alerts.notices import notice_send_again, webhook_test
from portal.alerts.tables import NoticeTable, WebhookTable
from portal.alerts.views import ALERTS
from portal.alerts.webhook_services import webhook_create, webhook_delete, webhook_rotate, webhook_update
from portal.core.commands import Rest
from portal.core.links import console_url
from portal.core.pages import Service
from portal.core.views import Action, ActionView, DetailPage, EditPage, Empty, ListPage

WEBHOOKS = ("Webhooks", "alerts:webhooks")
NOTICES = ("Notices", "alerts:notices")


class Webhooks(ListPage):
    """The webhooks of an environment."""

    queryset = AlertWebhook.objects.annotate(used_by=Count("rules")).order_by("name", "pk")
    permission = "alert.view"
    table = WebhookTable
    search_fields = ("name", "url")
    title = "Webhooks"
    subtitle = "Addresses that notices are posted to, each signed with a secret of its own."
    parents = (ALERTS,)
    actions = (Action(label="Add webhook", url_name="alerts:webhook_create", permission="alert.change", icon="plus"),)
    empty = Empty(
        title="No webhooks yet",
        text="A webhook brings notices to a chat, a pager or a program of your own.",
        icon="webhook",
        docs="/docs/guides/get-alerts/",
    )


class WebhookDetail(DetailPage):
    """One webhook."""

    queryset = AlertWebhook.objects.select_related("environment__organization")
    permission = "alert.view"
    template_name = "alerts/webhook.html"
    parents = (ALERTS, WEBHOOKS)
    actions = (
        Action(
            label="Edit", url_name="alerts:webhook_edit", permission="alert.change", icon="pencil", with_object=True
        ),
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add who uses it and the headers."""
        rules = self.object.rules.select_related("environment__organization")
        shown_url = self.object.url.partition("?")[0]
        return super().get_context(
            rules=rules, shown_url=shown_url, signature_header=SIGNATURE, notice_header=NOTICE, **context
        )


class WebhookPage(EditPage):
    """What adding and changing a webhook share."""

    queryset = AlertWebhook.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "webhook"
    form_class: ClassVar[type[Any]] = WebhookForm
    parents = (ALERTS, WEBHOOKS)
    cancel_url_name = "alerts:webhooks"


class WebhookCreate(WebhookPage):
    """Makes a webhook and shows its secret, once."""

    rest = Rest("POST", "/alert-webhooks/")
    service: ClassVar[Service] = webhook_create
    title = "Add webhook"
    submit_label = "Add webhook"
    message = ""

    def service_arguments(self) -> dict[str, Any]:
        """Add the environment."""
        return {"environment": self.environment}

    def saved(self, result: Any) -> HttpResponse:
        """Show the secret."""
        return _secret_page(self, result)


class WebhookEdit(WebhookPage):
    """Changes where notices go."""

    rest = Rest("PATCH", "/alert-webhooks/{object.pk}/")
    service: ClassVar[Service] = webhook_update

    def form_arguments(self) -> dict[str, Any]:
        """Start with what is saved."""
        return {"initial": {"name": self.object.name, "url": self.object.url}}

    def success_url(self, result: Any) -> str:
        """Go to the webhook."""
        return console_url(self.request, "alerts:webhook", self.object.pk)


class WebhookAction(ActionView):
    """A button of a webhook."""

    queryset = AlertWebhook.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "webhook"

    def after(self, result: Any) -> str:
        """Stay on the webhook."""
        return console_url(self.request, "alerts:webhook", self.object.pk)


class WebhookRotate(WebhookAction):
    """Gives a webhook another secret and shows it, once."""

    rest = Rest("POST", "/alert-webhooks/{object.pk}/rotate/", body=False)
    service = webhook_rotate
    title = "New secret"

    def done(self, result: Any) -> HttpResponse:
        """Show the secret."""
        return _secret_page(self, result)


class WebhookTest(WebhookAction):
    """Posts a test."""

    rest = Rest("POST", "/alert-webhooks/{object.pk}/test/", body=False)
    service = webhook_test
    title = "Send a test"
    message = "A test is on its way to {object}."

    def after(self, result: Any) -> str:
        """Go to the notice, or back where none was made."""
        return result.get_absolute_url() if result is not None else super().after(result)


class WebhookDelete(ActionView):
    """Deletes a webhook."""

    rest = Rest("DELETE", "/alert-webhooks/{object.pk}/")
    queryset = AlertWebhook.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "webhook"
    service = webhook_delete
    title = "Delete webhook"
    message = "{object} is deleted."
    success_url_name = "alerts:webhooks"


class Notices(ListPage):
    """What was told, to whom, and what became of it."""

    queryset = AlertNotice.objects.select_related("environment__organization").order_by("-created_at", "-pk")
    permission = "alert.view"
    table = NoticeTable
    filters = NoticeFilter
    search_fields = ("title", "receiver")
    title = "Notices"
    subtitle = "Everything that was told, with each attempt to send it. Kept for 90 days."
    parents = (ALERTS,)
    empty = Empty(title="No notices yet", text="As soon as an alert fires, what was sent to whom is here.", icon="mail")


class NoticeDetail(DetailPage):
    """One notice with its attempts."""

    queryset = AlertNotice.objects.select_related("environment__organization", "rule__environment__organization")
    permission = "alert.view"
    template_name = "alerts/notice.html"
    parents = (ALERTS, NOTICES)

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add whether it can be sent again."""
        waiting = self.object.state == NoticeState.WAITING
        possible = self.object.by_mail or self.object.webhook_id is not None
        attempts = [{**attempt, "at": datetime.fromisoformat(attempt["at"])} for attempt in self.object.attempts]
        return super().get_context(
            may_send_again=possible and not waiting, waiting=waiting, attempts=attempts, **context
        )


class NoticeSendAgain(ActionView):
    """Sends a notice once more."""

    rest = Rest("POST", "/alert-notices/{object.pk}/send-again/", body=False)
    queryset = AlertNotice.objects.select_related("environment__organization")
    permission = "alert.change"
    object_name = "notice"
    service = notice_send_again
    title = "Send again"
    message = "The notice is on its way again."


def _secret_page(view: Any, result: Any) -> HttpResponse:
    view.template_name = "alerts/secret.html"
    view.object = result.webhook
    back = console_url(view.request, "alerts:webhook", result.webhook.pk)
    response: HttpResponse = view.page(secret=result.secret, back=back)
    response["Cache-Control"] = "no-store"
    return response
