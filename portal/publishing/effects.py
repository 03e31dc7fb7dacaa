"""Whom a change concerns: applications by the contracts of a revision, calls by whoever counts them."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from gateway_runtime.schema import document as schema
from portal.gateways.models import Gateway
from portal.publishing.changes import EFFECT_DAYS, Change, Effect

PERIOD = datetime.timedelta(days=EFFECT_DAYS)


class CallCounter(Protocol):
    """Counts the calls of API instances of a gateway by their ids; None where the person may not see them."""

    def __call__(
        self,
        *,
        user: Any,
        gateway: Gateway,
        instances: Collection[str],
        start: datetime.datetime,
        end: datetime.datetime,
    ) -> Mapping[str, int] | None: ...


_counters: list[CallCounter] = []


def call_counter_register(counter: CallCounter) -> None:
    """Say who counts calls. A higher app does, from its `AppConfig.ready()`."""
    _counters[:] = [counter]


def with_effects(
    changes: Iterable[Change],
    *,
    old: schema.Document | None,
    new: schema.Document,
    gateway: Gateway,
    user: Any,
    until: datetime.datetime,
) -> list[Change]:
    """Return the changes of APIs with whom they concern: contracts of then, calls of the days before `until`."""
    changes = list(changes)
    applications = Counter(contract.api for contract in new.contracts)
    if old is not None:
        there = {api.id for api in new.apis}
        applications.update(contract.api for contract in old.contracts if contract.api not in there)
    asked = {change.api for change in changes if change.api}
    calls = _calls(user, gateway, asked, until) if asked and user is not None else None
    return [
        dataclasses.replace(
            change, effect=Effect(applications[change.api], None if calls is None else calls.get(change.api, 0))
        )
        if change.api
        else change
        for change in changes
    ]


def _calls(
    user: Any, gateway: Gateway, instances: Collection[str], until: datetime.datetime
) -> Mapping[str, int] | None:
    for counter in _counters:
        return counter(user=user, gateway=gateway, instances=instances, start=until - PERIOD, end=until)
    return None
