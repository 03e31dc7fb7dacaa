"""Changes of the settings of a gateway."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from portal.audit.services import audit_record
from portal.audit.undo import undoable
from portal.gateways.models import Gateway
from portal.gateways.settings import settings_set, settings_shown
from portal.gateways.signals import gateway_configuration_changed


@undoable("gateway settings")
@transaction.atomic
def gateway_settings_update(*, actor: Any, gateway: Gateway, settings: Mapping[str, Any]) -> Gateway:
    """Replace the sections that are given; None makes one as by default, and secrets left empty are kept."""
    gateway = Gateway.objects.select_for_update().select_related("environment__organization").get(pk=gateway.pk)
    before, old = settings_shown(gateway), (gateway.settings, gateway.secrets)
    settings_set(gateway, settings)
    if (gateway.settings, gateway.secrets) == old:
        return gateway
    after = settings_shown(gateway)
    if before == after:
        # Only a secret is another one, which must not be told.
        after = {**after, "secrets": "new"}
    gateway.save_checked()
    audit_record(
        actor=actor,
        action="gateway.settings",
        target=gateway,
        before={"settings": before},
        after={"settings": after},
    )
    gateway_configuration_changed(gateway=gateway, actor=actor, message=f"Changed settings of {gateway.name}")
    return gateway
