"""The settings of a gateway: which there are, how they are read, checked, stored and shown.

They are those of the document itself (`schema.document.Surroundings`) in the words of declarative files, so a setting
that the document gets has its field in the form, its place in REST and its check at once.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway_runtime.checks import check_settings
from gateway_runtime.schema.document import Surroundings
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.written import unwritten_fields, written, written_path
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path, outline
from portal.core.setting_forms.secrets import joined, masked, secret_paths, split, with_kept
from portal.core.setting_forms.values import differing, whole
from portal.gateways.models import Gateway

Settings = dict[str, Any]

# In the order in which the form has them.
PARTS = (
    "log_level", "access_log", "timeouts", "limits", "trusted_proxies", "forward_proxy", "tracing", "shared_storage",
)  # fmt: skip
SETTINGS: Any = written(
    Surroundings, without=tuple(name for name in Surroundings.__struct_fields__ if name not in PARTS)
)
_WRITTEN: dict[str, str] = dict(zip(SETTINGS.__struct_fields__, SETTINGS.__struct_encode_fields__, strict=True))
# The names of the sections in form and REST.
NAMES = tuple(_WRITTEN[part] for part in PARTS)
_MADE = outline(SETTINGS)
OUTLINE = replace(_MADE, nodes=tuple(sorted(_MADE.nodes, key=lambda node: NAMES.index(node.setting.name))))
SECRET = secret_paths(OUTLINE)


def _read(gateway: Gateway) -> Any:
    return convert(joined(gateway.settings, json.loads(gateway.secrets)), SETTINGS)


def settings_shown(gateway: Gateway) -> Settings:
    """Return what is not as by default, with secrets masked."""
    return masked(gateway.settings, json.loads(gateway.secrets))


def settings_effective(gateway: Gateway) -> Settings:
    """Return all settings as they count, with secrets masked."""
    plain, secrets = split(whole(_read(gateway)), SECRET)
    return masked(plain, {path: value for path, value in secrets.items() if value})


def settings_set(gateway: Gateway, given: Mapping[str, Any]) -> None:
    """Give a gateway the sections that are given, whole; None makes one as by default. Does not save.

    Raises `ApplicationError` with the sentence beside the very setting that is wrong.
    """
    merged = {name: value for name, value in {**gateway.settings, **given}.items() if value is not None}
    try:
        read = convert(with_kept(merged, json.loads(gateway.secrets), SECRET), SETTINGS)
    except ConfigFault as fault:
        raise _refused(fault.path, fault) from fault
    try:
        check_settings(Surroundings(gateway="", name="", **unwritten_fields(read)))
    except ConfigFault as fault:
        raise _refused(written_path(Surroundings, fault.path), fault) from fault
    gateway.settings, secrets = split(differing(read), SECRET)
    gateway.secrets = json.dumps(secrets)


def document_settings(gateway: Gateway) -> dict[str, Any]:
    """Return the settings as the parts of a document, secrets too: for nobody's eyes."""
    return unwritten_fields(_read(gateway))


def _refused(path: str, fault: ConfigFault) -> ApplicationError:
    place = f"settings.{field_path(path)}" if path else "settings"
    return ApplicationError(fault.code, fault.message, fields={place: fault.message})
