"""What waits on a gateway that is held: its difference from what runs, and where it can be looked at."""

from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils import timezone

from portal.apis.models import ApiInstance
from portal.gateways.models import Gateway
from portal.publishing.builder import build
from portal.publishing.changes import Change, revision_changes
from portal.publishing.effects import with_effects
from portal.publishing.errors import PublishError
from portal.publishing.models import Hold
from portal.publishing.sealing import revision_document
from portal.publishing.staging import effective, wide_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A hold with what it keeps back. `instances` are those that differ and can be opened."""

    hold: Hold
    changes: tuple[Change, ...]
    instances: tuple[ApiInstance, ...]
    quarantined: tuple[dict[str, Any], ...] = ()


def gateway_hold(gateway: Gateway) -> Hold | None:
    """Return the hold of a gateway, if it is held."""
    return Hold.objects.filter(gateway=gateway).select_related("revision", "gateway__environment").first()


def waiting_of(hold: Hold, user: Any) -> Waiting:
    """Return what would be otherwise if the hold were ended now."""
    gateway = hold.gateway
    latest = gateway.revisions.order_by("-number").first()
    if latest is None:
        return Waiting(hold=hold, changes=(), instances=())
    try:
        running = effective(revision_document(latest))
    except PublishError:
        return Waiting(hold=hold, changes=(), instances=())
    built = build(gateway, running)
    # Only these wait: everything else in it holds already.
    proposed = msgspec.structs.replace(running, **wide_parts(built.document), apis=built.document.apis)
    changes = revision_changes(running, proposed)
    told = with_effects(changes, old=running, new=proposed, gateway=gateway, user=user, until=timezone.now())
    differing = {change.api for change in told if change.api}
    visible = ApiInstance.objects.visible_to(user, "instance.view").filter(gateway=gateway, pk__in=differing)
    return Waiting(
        hold=hold,
        changes=tuple(told),
        instances=tuple(visible.select_related("api_version__api", "gateway__environment__organization")),
        quarantined=tuple(fault for id, fault in built.quarantined.items() if id in differing),
    )
