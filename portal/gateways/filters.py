"""Filters of gateways, shared by console and REST."""

from typing import Any

import django_filters
from django.utils import timezone

from portal.core.filters import ConsoleFilterSet
from portal.gateways.models import Gateway, Replica
from portal.gateways.replica_selectors import gateways_in_state, replicas_behind, replicas_in_state
from portal.gateways.selectors import ConnectionState

STATES = [(state.value, state.label) for state in ConnectionState]
REPLICA_STATES = STATES[:2]


def _in_state(queryset: Any, name: str, value: str) -> Any:
    return gateways_in_state(queryset, value, timezone.now())


class GatewayFilters(ConsoleFilterSet):
    """The filter bar of the list of gateways."""

    state = django_filters.ChoiceFilter(label="Status", choices=STATES, method=_in_state)

    class Meta:
        model = Gateway
        fields: list[str] = []


class GatewayFilter(django_filters.FilterSet):
    """Filters of `/api/v1/gateways/`."""

    environment = django_filters.UUIDFilter(field_name="environment_id")
    state = django_filters.ChoiceFilter(choices=STATES, method=_in_state)

    class Meta:
        model = Gateway
        fields = ["slug"]


class ReplicaFilter(django_filters.FilterSet):
    """Filters of `/api/v1/replicas/`."""

    gateway = django_filters.UUIDFilter(field_name="gateway_id")
    state = django_filters.ChoiceFilter(choices=REPLICA_STATES, method="in_state")
    behind = django_filters.BooleanFilter(method="lacking", label="Connected, and lacks a published revision.")

    class Meta:
        model = Replica
        fields = ["version", "host"]

    def in_state(self, queryset: Any, name: str, value: str) -> Any:
        """Return those that are connected, or not."""
        return replicas_in_state(queryset, value, timezone.now())

    def lacking(self, queryset: Any, name: str, value: bool) -> Any:
        """Return the connected ones that lack a revision, or lack none."""
        return replicas_behind(queryset, value, timezone.now())
