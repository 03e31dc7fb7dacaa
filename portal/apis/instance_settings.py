"""What is different for one instance: its limits and its access log, in the words of declarative files."""

from typing import Any

from gateway_runtime.schema import document as schema
from gateway_runtime.schema.access_log import FIELDS, unknown_field
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.written import unwritten_fields, written
from portal.apis.models import ApiInstance
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path, outline

Settings = dict[str, Any]

# Everything else of an instance is said by the console's own pages.
_OWN = ("access_log", "limits")
SETTINGS = written(
    schema.ApiInstance, without=tuple(name for name in schema.ApiInstance.__struct_fields__ if name not in _OWN)
)
OUTLINE = outline(SETTINGS)


def instance_settings_checked(settings: Any) -> Settings:
    """Return settings as they are stored. Raises `ApplicationError` beside the very one that is wrong."""
    try:
        read: Any = convert(settings, SETTINGS)
    except ConfigFault as fault:
        raise _refused(fault.path, fault.message, fault.code) from fault
    for index, name in enumerate(read.access_log.hide if read.access_log else ()):
        if name not in FIELDS:
            raise _refused(f"accessLog.hide[{index}]", unknown_field(name), "unknown_field")
    return dict(settings)


def limits_said(instance: ApiInstance) -> list[tuple[str, Any]]:
    """Return the limits that are set, as (title, value)."""
    limits = instance.settings.get("limits") or {}
    section: Any = next(node for node in OUTLINE.nodes if node.setting.name == "limits")
    titles = {node.setting.name: node.setting.title for node in section.nodes}
    return [(titles.get(name, name), value) for name, value in limits.items() if value is not None]


def instance_parts(instance: ApiInstance) -> dict[str, Any]:
    """Return what the settings of an instance say as fields of the document's. Raises `ConfigFault`."""
    return unwritten_fields(convert(instance.settings, SETTINGS))


def _refused(path: str, sentence: str, code: str) -> ApplicationError:
    name = f"settings.{field_path(path)}" if path else "settings"
    return ApplicationError(code, sentence, fields={name: sentence})
