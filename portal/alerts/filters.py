"""Filters of alerts and notices."""

import django_filters

from portal.alerts.models import AlertKind, AlertNotice, AlertRule, NoticeReason, NoticeState, Severity
from portal.core.filters import ConsoleFilterSet


class AlertFilter(ConsoleFilterSet):
    """By severity and kind."""

    severity = django_filters.ChoiceFilter(choices=Severity.choices)
    kind = django_filters.ChoiceFilter(choices=AlertKind.choices)

    class Meta:
        model = AlertRule
        fields: list[str] = []


class NoticeFilter(ConsoleFilterSet):
    """By what became of it, and why it was told."""

    state = django_filters.ChoiceFilter(choices=NoticeState.choices)
    reason = django_filters.ChoiceFilter(choices=NoticeReason.choices)

    class Meta:
        model = AlertNotice
        fields: list[str] = []
