"""Forms of alerts and webhooks."""

import re
from typing import Any

from django import forms

from gateway_runtime.policies.registry import all_definitions
from portal.alerts.models import AlertKind, AlertRule, AlertWebhook, Comparison, Measure, Severity
from portal.alerts.settings_checks import OF_KIND, OF_SOME, PLAIN
from portal.alerts.wording import EVENTS
from portal.apis.models import ApiInstance
from portal.core.forms import ConsoleForm
from portal.organizations.models import Environment

_LABELS = {AlertKind.RESPONSE_TIME: "Milliseconds"}


class ListField(forms.CharField):
    """Values between commas or white space, as a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=5000, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a list as it is typed."""
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Return the list."""
        return [part for part in re.split(r"[\s,;]+", super().clean(value)) if part]


class AlertForm(ConsoleForm):
    """An alert of one kind: only what it goes by is asked."""

    name = forms.CharField(max_length=80)
    severity = forms.ChoiceField(choices=Severity.choices, widget=forms.RadioSelect, initial=Severity.WARNING)
    instances = forms.ModelMultipleChoiceField(
        queryset=ApiInstance.objects.none(), required=False, label="APIs",
        help_text="Without a choice it is about the whole environment. Several are added up.",
    )  # fmt: skip
    comparison = forms.ChoiceField(choices=Comparison.choices, label="When there are", initial=Comparison.ABOVE)
    measure = forms.ChoiceField(choices=Measure.choices, label="Response time", initial=Measure.P95)
    statuses = ListField(label="Status codes", help_text="Such as “429, 5xx”, at most ten.", initial=["5xx"])
    policy = forms.ChoiceField(required=False, label="Policy", help_text="That refused the request.")
    threshold = forms.IntegerField(min_value=0, max_value=10**12, label="Threshold", initial=100)
    window_minutes = forms.IntegerField(
        min_value=0, max_value=24 * 60, label="Within minutes", initial=5,
        help_text="The window slides: it always ends now.",
    )  # fmt: skip
    days = forms.IntegerField(min_value=1, max_value=365, label="Days before", initial=30)
    events = forms.MultipleChoiceField(
        choices=[(name, done.capitalize()) for name, done in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple,
        label="When a contract is",
    )
    emails = ListField(
        required=False, label="E-mail", widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Addresses, between commas or on lines of their own.",
    )  # fmt: skip
    webhooks = forms.ModelMultipleChoiceField(
        queryset=AlertWebhook.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    notify_recovery = forms.BooleanField(required=False, initial=True, label="Tell when it is over, too")
    cooldown_minutes = forms.IntegerField(
        min_value=0, max_value=7 * 24 * 60, initial=15, label="Minutes of rest",
        help_text="After a notice none follows about the same for this long, however often it comes and goes.",
    )  # fmt: skip
    groups = (
        (
            "Condition",
            "",
            (
                "instances",
                "comparison",
                "measure",
                "statuses",
                "policy",
                "events",
                "threshold",
                "window_minutes",
                "days",
            ),
        ),
        ("Who is told", "", ("emails", "webhooks", "notify_recovery", "cooldown_minutes")),
    )

    def __init__(
        self,
        *args: Any,
        kind: str,
        environment: Environment,
        instances: Any,
        rule: AlertRule | None = None,
        **kwargs: Any,
    ) -> None:
        if rule is not None:
            given = {name: getattr(rule, name) for name in PLAIN}
            given |= {
                name: list(getattr(rule, name).values_list("pk", flat=True)) for name in ("instances", "webhooks")
            }
            kwargs["initial"] = {**given, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        for name in OF_SOME - {*OF_KIND[kind]}:
            del self.fields[name]
        self.fields["instances"].queryset = instances  # type: ignore[attr-defined]
        webhooks = environment.alert_webhooks.order_by("name")
        self.fields["webhooks"].queryset = webhooks  # type: ignore[attr-defined]
        if not webhooks.exists():
            del self.fields["webhooks"]
        self._fit(kind)

    def _fit(self, kind: str) -> None:
        """Say of fields that several kinds share what they mean for this one."""
        if kind in (AlertKind.STATUSES, AlertKind.VIOLATIONS):
            self.fields["threshold"].label = "More than"
            self.fields["threshold"].initial = 0
        elif "threshold" in self.fields:
            self.fields["threshold"].label = _LABELS.get(AlertKind(kind), "Requests")
        if "policy" in self.fields:
            titles = sorted((each.title, each.name) for each in all_definitions())
            choices = [("", "Any policy"), *((name, title) for title, name in titles)]
            self.fields["policy"].choices = choices  # type: ignore[attr-defined]
        if kind == AlertKind.GATEWAY:
            self.fields["window_minutes"].label = "Silent for minutes"
            self.fields["window_minutes"].initial = 1
            self.fields["window_minutes"].help_text = "0 tells at once."


class SilenceForm(ConsoleForm):
    """For how long nobody is told."""

    minutes = forms.IntegerField(min_value=0, max_value=30 * 24 * 60)


class WebhookForm(ConsoleForm):
    """A webhook."""

    name = forms.CharField(max_length=80)
    url = forms.CharField(
        max_length=500, label="Address", help_text="Notices are posted to it as JSON. Private networks are refused."
    )
