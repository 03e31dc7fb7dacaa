"""Deprecated API instances: since when, until when, and what comes after."""

from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from gateway_runtime.schema.deprecation import Deprecation
from portal.apis.checks import url_fault
from portal.apis.models import ApiInstance
from portal.apis.services import instance_changed
from portal.audit.undo import undoable
from portal.catalog.models import ApiVersion, Lifecycle
from portal.catalog.services import api_version_update
from portal.core.errors import ApplicationError


@undoable("deprecation")
@transaction.atomic
def instance_deprecate(
    *, actor: Any, instance: ApiInstance, since: date | None = None, sunset: date | None = None, successor: str = ""
) -> ApiInstance:
    """Tell callers that an instance should not be used any more; it takes no new applications from now on.

    Without `since` that is today, or the day it was deprecated on before.
    """
    before = _state(instance)
    instance.deprecated = True
    instance.deprecated_on = since or instance.deprecated_on or timezone.now().astimezone(UTC).date()
    instance.sunset_on, instance.successor = sunset, successor.strip()
    _check(instance)
    instance.save_checked()
    after = _state(instance)
    if after != before:
        message = f"Deprecated {instance}" if not before["deprecated"] else f"Changed the deprecation of {instance}"
        instance_changed(actor, instance, "instance.deprecate", message, before=before, after=after)
    return instance


@undoable("deprecation")
@transaction.atomic
def instance_undeprecate(*, actor: Any, instance: ApiInstance) -> ApiInstance:
    """Take a deprecation back: new applications may ask for access again."""
    if not instance.deprecated:
        return instance
    before = _state(instance)
    instance.deprecated, instance.deprecated_on, instance.sunset_on, instance.successor = False, None, None, ""
    instance.save_checked()
    message = f"{instance} is not deprecated any more"
    instance_changed(actor, instance, "instance.undeprecate", message, before=before, after=_state(instance))
    return instance


@transaction.atomic
def version_deprecate(
    *,
    actor: Any,
    api_version: ApiVersion,
    instances: Any,
    since: date | None = None,
    sunset: date | None = None,
    successor: str = "",
) -> ApiVersion:
    """Deprecate a version of an API, and those of its instances that the actor may change (`instances`)."""
    for instance in instances:
        instance_deprecate(actor=actor, instance=instance, since=since, sunset=sunset, successor=successor)
    return api_version_update(actor=actor, api_version=api_version, lifecycle=Lifecycle.DEPRECATED)


def deprecation_part(instance: ApiInstance) -> Deprecation | None:
    """Return what a gateway says of an instance; nothing where it is not deprecated, or nobody knows since when."""
    if not instance.deprecated or instance.deprecated_on is None:
        return None
    return Deprecation(
        since=_seconds(instance.deprecated_on),
        sunset=_seconds(instance.sunset_on) if instance.sunset_on is not None else None,
        successor=instance.successor,
    )


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time.min, UTC).timestamp())


def _check(instance: ApiInstance) -> None:
    """Raise `ApplicationError` with the sentence beside the field that cannot be taken."""
    since, sunset = instance.deprecated_on, instance.sunset_on
    if since is not None and sunset is not None and sunset < since:
        sentence = "An API cannot end before it is deprecated. Choose a later day."
        raise ApplicationError("sunset_before_deprecation", sentence, fields={"sunset": sentence})
    if not instance.successor:
        return
    sentence = "" if instance.successor.startswith(("http://", "https://")) else "Begin with http:// or https://."
    sentence = sentence or url_fault(instance.successor.partition("?")[0].partition("#")[0])
    if not sentence:
        try:
            msgspec.convert({"since": 0, "successor": instance.successor}, Deprecation)
        except msgspec.ValidationError:
            sentence = "The address has characters that must be percent-encoded. Mend it."
    if sentence:
        raise ApplicationError("successor_invalid", sentence, fields={"successor": sentence})


def _state(instance: ApiInstance) -> dict[str, Any]:
    return {
        "deprecated": instance.deprecated,
        "since": instance.deprecated_on.isoformat() if instance.deprecated_on else "",
        "sunset": instance.sunset_on.isoformat() if instance.sunset_on else "",
        "successor": instance.successor,
    }
