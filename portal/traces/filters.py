"""Filters of traces, for the console and for REST."""

from typing import Any

import django_filters

from portal.core.filters import ConsoleFilterSet
from portal.policies.settings import policy_title
from portal.traces.models import Trace, TraceKind

STATUSES = (("2", "2xx"), ("3", "3xx"), ("4", "4xx"), ("5", "5xx"))
CHOICES = 200


def of_class(queryset: Any, name: str, first: str) -> Any:
    """Return the traces whose status begins with a digit."""
    return queryset.filter(status__gte=int(first) * 100, status__lt=(int(first) + 1) * 100)


def would_refuse(queryset: Any, name: str, policy: str) -> Any:
    """Return the traces that a policy in shadow mode would have refused; `any` for whichever."""
    if policy == "any":
        return queryset.exclude(would_refuse="")
    return queryset.filter(would_refuse__contains=f" {policy} ")


class TraceFilter(ConsoleFilterSet):
    """By how it ended, by the policy that refused, by application, and by why it is here."""

    status = django_filters.ChoiceFilter(label="Status", empty_label="Any status", choices=STATUSES, method=of_class)
    policy = django_filters.ChoiceFilter(label="Refusing policy", empty_label="Any policy", choices=())
    application = django_filters.ChoiceFilter(label="Application", empty_label="Any application", choices=())
    kind = django_filters.ChoiceFilter(label="Kind", empty_label="Any kind", choices=TraceKind.choices)
    shadow = django_filters.ChoiceFilter(
        label="Shadow mode", empty_label="Shadow or not", choices=(("any", "Would be refused"),), method=would_refuse
    )

    class Meta:
        model = Trace
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What can be chosen is what occurs in the rows that this person may see.
        rows = self.queryset.order_by()
        policies = rows.exclude(policy="").values_list("policy", flat=True).distinct()[:CHOICES]
        self.filters["policy"].extra["choices"] = sorted((name, policy_title(name)) for name in policies)
        applications = rows.exclude(application="").values_list("application", "application_name").distinct()[:CHOICES]
        self.filters["application"].extra["choices"] = sorted(dict(applications).items(), key=lambda each: each[1])


class TraceRestFilter(django_filters.FilterSet):
    """The same for REST, by exact values."""

    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    would_refuse = django_filters.CharFilter(method=would_refuse, help_text="A policy in shadow mode, or `any`.")

    class Meta:
        model = Trace
        fields = ["request_id", "environment", "instance", "kind", "status", "policy", "code", "application"]
