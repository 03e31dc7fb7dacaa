"""The settings of a gateway: which there are, how they are read, checked, stored and shown.

They are those of the document itself (`schema.document.Surroundings`), so a setting that the document gets has its
field in the form, its place in REST and its check at once.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway_runtime.checks import check_settings
from gateway_runtime.schema.document import Surroundings
from gateway_runtime.schema.faults import ConfigFault
from portal.core.errors import ApplicationError
from portal.core.setting_form import field_path
from portal.core.setting_secrets import secrets_apart, secrets_kept, secrets_masked
from portal.core.setting_values import differing, read_strictly, secret_places, settings_of
from portal.gateways.models import Gateway

# In the order in which the form has them.
NAMES = (
    "log_level", "access_log", "timeouts", "limits", "trusted_proxies", "forward_proxy", "tracing", "shared_storage",
)  # fmt: skip
GatewaySettings: Any = settings_of("GatewaySettings", Surroundings, NAMES)
SECRETS = secret_places(GatewaySettings)


def gateway_settings(gateway: Gateway) -> Any:
    """Return all settings of a gateway, secrets too: for its document and for nobody's eyes."""
    full = secrets_kept(gateway.settings, SECRETS, json.loads(gateway.secrets))
    return msgspec.convert(full, GatewaySettings)


def settings_shown(gateway: Gateway) -> dict[str, Any]:
    """Return what is not as by default, with secrets masked."""
    return secrets_masked(gateway.settings, json.loads(gateway.secrets))


def settings_effective(gateway: Gateway) -> dict[str, Any]:
    """Return all settings as they count, with secrets masked."""
    effective = _whole(gateway_settings(gateway))
    plain, secrets = secrets_apart(effective, SECRETS)
    return secrets_masked(plain, {place: value for place, value in secrets.items() if value})


def settings_set(gateway: Gateway, given: Mapping[str, Any]) -> None:
    """Give a gateway the sections that are given, whole; None makes one as by default. Does not save.

    Raises `ApplicationError` with the sentence beside the very setting that is wrong.
    """
    kept = json.loads(gateway.secrets)
    merged = {**gateway.settings, **given}
    full = secrets_kept({name: value for name, value in merged.items() if value is not None}, SECRETS, kept)
    try:
        settings = read_strictly(full, GatewaySettings)
        check_settings(Surroundings(gateway="", name="", **_parts(settings)))
    except ConfigFault as fault:
        place = f"settings.{field_path(fault.path)}" if fault.path else "settings"
        raise ApplicationError(fault.code, fault.message, fields={place: fault.message}) from fault
    gateway.settings, secrets = secrets_apart(differing(settings), SECRETS)
    gateway.secrets = json.dumps(secrets)


def _parts(settings: Any) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in NAMES}


def document_settings(gateway: Gateway) -> dict[str, Any]:
    """Return the settings as the parts of a document."""
    return _parts(gateway_settings(gateway))


def _whole(value: Any) -> Any:
    """Return plain data with what is as by default, too."""
    if isinstance(value, msgspec.Struct):
        return {field.encode_name: _whole(getattr(value, field.name)) for field in msgspec.structs.fields(value)}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return value
