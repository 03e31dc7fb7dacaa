"""Filters of the audit log."""

from datetime import timedelta
from typing import Any

import django_filters
from django.utils import timezone

from portal.audit.models import AuditEvent
from portal.audit.wording import readable
from portal.core.filters import ConsoleFilterSet

PERIODS = (("1", "Last 24 hours"), ("7", "Last 7 days"), ("30", "Last 30 days"), ("90", "Last 90 days"))


class AuditFilter(ConsoleFilterSet):
    """By what, to what, by whom, and when."""

    action = django_filters.ChoiceFilter(label="Action", empty_label="Any action", choices=())
    target_type = django_filters.ChoiceFilter(label="Kind", empty_label="Any kind", choices=())
    actor_name = django_filters.ChoiceFilter(label="Person", empty_label="Anybody", choices=())
    period = django_filters.ChoiceFilter(label="Time", empty_label="Any time", choices=PERIODS, method="within")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What can be chosen is what occurs in the rows that this person may see.
        for name in ("action", "target_type", "actor_name"):
            found = self.queryset.order_by(name).values_list(name, flat=True).distinct()[:200]
            words = str if name == "actor_name" else readable
            self.filters[name].extra["choices"] = [(value, words(value)) for value in found]

    @staticmethod
    def within(queryset: Any, name: str, days: str) -> Any:
        """Return the changes of the last days."""
        return queryset.filter(created_at__gte=timezone.now() - timedelta(days=int(days)))


class AuditEventFilter(django_filters.FilterSet):
    """The same for REST, by exact values."""

    since = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields = ["organization_id", "environment_id", "actor_id", "action", "target_type", "target_id", "request_id"]
