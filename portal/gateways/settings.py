"""The settings of a gateway: which there are, how they are read, checked, stored and shown.

They are those of the document itself (`schema.document.Surroundings`) in the words of declarative files, so a setting
that the document gets has its field in the form, its place in REST and its check at once.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec

from gateway_runtime.checks import check_settings
from gateway_runtime.schema.document import Surroundings
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import setting
from gateway_runtime.schema.written import unwritten_fields, written, written_path
from portal.core.errors import ApplicationError
from portal.core.setting_forms.outline import field_path, outline
from portal.core.setting_forms.secrets import joined, masked, secret_paths, split, with_kept
from portal.core.setting_forms.values import differing, whole
from portal.gateways.log_outputs import WrittenOutput, outputs_part, row_fault
from portal.gateways.models import Gateway
from portal.gateways.ports import port_check, probe_port

Settings = dict[str, Any]

# In the order in which the form has them.
PARTS = (
    "log_level", "runtime_log_outputs", "access_log", "access_log_outputs", "timeouts", "limits", "trusted_proxies",
    "forward_proxy", "tracing", "shared_storage", "probe",
)  # fmt: skip
# What people say in other words than the document.
_OUTPUTS = ("runtime_log_outputs", "access_log_outputs")
SETTINGS: Any = written(
    Surroundings,
    without=tuple(name for name in Surroundings.__struct_fields__ if name not in PARTS or name in _OUTPUTS),
    further=(
        (
            "runtime_log_outputs",
            Annotated[
                list[WrittenOutput],
                setting("Outputs of its own log", "None: to the standard error of the process.", max_length=16),
            ],
            msgspec.field(default_factory=list),
        ),
        (
            "access_log_outputs",
            Annotated[
                list[WrittenOutput],
                setting("Outputs of access lines", "None: to the standard output of the process.", max_length=16),
            ],
            msgspec.field(default_factory=list),
        ),
    ),
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
        _check_outputs(read)
        check_settings(Surroundings(gateway="", name="", **_parts(read)))
        _check_probe(gateway, read)
    except ConfigFault as fault:
        raise _refused(written_path(Surroundings, fault.path), fault) from fault
    gateway.settings, secrets = split(differing(read), SECRET)
    gateway.secrets = json.dumps(secrets)


def document_settings(gateway: Gateway) -> dict[str, Any]:
    """Return the settings as the parts of a document, secrets too: for nobody's eyes."""
    return _parts(_read(gateway))


def _parts(read: Any) -> dict[str, Any]:
    return {**unwritten_fields(read), **{name: outputs_part(getattr(read, name)) for name in _OUTPUTS}}


def _check_outputs(read: Any) -> None:
    for name in _OUTPUTS:
        for index, row in enumerate(getattr(read, name)):
            place, sentence = row_fault(row)
            if place:
                raise ConfigFault(f"{_WRITTEN[name]}[{index}].{place}", "invalid_value", sentence)


def _check_probe(gateway: Gateway, read: Any) -> None:
    """Refuse a port that is one for traffic, or is not free, before a revision with it would be."""
    if read.probe is None or read.probe.port == probe_port(gateway):
        return
    listener = gateway.listeners.filter(port=read.probe.port).first()
    if listener is not None:
        text = f"Port {listener.port} is that of listener {listener.name}. Choose another one for probes."
        raise ConfigFault("probe.port", "probe_port_in_use", text)
    try:
        port_check(read.probe.port, gateway=gateway)
    except ApplicationError as error:
        # Its advice is for listeners.
        why = error.message.partition(". ")[0]
        raise ConfigFault("probe.port", error.code, f"{why}. Choose another one for probes.") from None


def _refused(path: str, fault: ConfigFault) -> ApplicationError:
    place = f"settings.{field_path(path)}" if path else "settings"
    return ApplicationError(fault.code, fault.message, fields={place: fault.message})
