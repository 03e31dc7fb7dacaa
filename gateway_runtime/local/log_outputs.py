"""`logging.outputs` of a Configuration, and which of them the runtime log and the access log name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection
from typing import Any

from gateway_runtime.local.configuration_kind import Logging, Outputs
from gateway_runtime.local.configuration_kind import LogOutput as Written
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Place
from gateway_runtime.schema.log_output import LogOutput

# The parameters of each type that is known, as Fluent Bit names them, and the formats that lines here have.
PARAMETERS = {"stdout": ("format",), "file": ("path", "file", "mkdir", "format")}
FORMATS = {"stdout": "json_lines", "file": "plain"}
NOTHING_SENT = {"anypoint": "disabled"}
_SWITCH = {"on": True, "off": False, "true": True, "false": False}


class LogOutputs:
    """What all Configuration resources say about where logs go. `faults` has what cannot be used."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Place, LogOutput | None]] = {}
        self._named: dict[str, tuple[Outputs, Place]] = {}
        self.faults: list[FileFault] = []
        self.notes: list[FileFault] = []

    def read(self, logging: Logging, place: Place) -> None:
        """Take the outputs of one resource, and the names in it."""
        for index, written in enumerate(logging.outputs or ()):
            here = place.at("outputs", index)
            if written.name in self._known:
                message = f"There is an output “{written.name}” in {self._known[written.name][0].shown}, too."
                self.faults.append(here.at("name").fault(message, "duplicate_key"))
                continue
            self._known[written.name] = here, self._output(written, here)
        for log, part in (("runtimeLogs", logging.runtime_logs), ("accessLogs", logging.access_logs)):
            if part is None or part.outputs is None:
                continue
            here = place.at(log, "outputs")
            first = self._named.setdefault(log, (part.outputs, here))[1]
            if first is not here:
                message = f"This is also set in {first.shown}. Keep one of them."
                self.faults.append(here.fault(message, "duplicate_key"))

    def of(self, log: str) -> list[LogOutput]:
        """Return the outputs of `runtimeLogs` or `accessLogs`, once everything is read. None of them: the usual one."""
        outputs, place = self._named.get(log, ([], None))
        if place is None or outputs == NOTHING_SENT:
            return []
        if isinstance(outputs, dict):
            message = "Give a list of the names of outputs, or “anypoint: disabled”."
            self.faults.append(place.fault(message, "not_supported"))
            return []
        found = []
        for index, name in enumerate(outputs):
            if name not in self._known:
                message = f"There is no output “{name}”. {_hint(name, self._known)}"
                self.faults.append(place.at(index).fault(message, "unknown_output"))
            elif (output := self._known[name][1]) is not None:
                found.append(output)
        return found

    def finish(self) -> None:
        """Tell of outputs that no log names."""
        used = {name for outputs, _ in self._named.values() if isinstance(outputs, list) for name in outputs}
        for name, (place, _) in self._known.items():
            if name not in used:
                message = f"No log names the output “{name}” in its “outputs”."
                self.notes.append(place.fault(message, "without_effect"))

    def _output(self, written: Written, place: Place) -> LogOutput | None:
        try:
            return _read(written, place)
        except FileFault as fault:
            self.faults.append(fault)
            return None


def _read(written: Written, place: Place) -> LogOutput:
    kind = written.type.lower()
    if kind not in PARAMETERS:
        message = f"Outputs of the type “{written.type}” are not supported by this gateway. {_hint(kind, PARAMETERS)}"
        raise place.at("type").fault(message, "not_supported")
    given: dict[str, Any] = {}
    for key, value in (written.parameters or {}).items():
        here = place.at("parameters", key)
        # Fluent Bit does not mind how keys are capitalized.
        name = key.lower()
        if name not in PARAMETERS[kind]:
            message = f"There is no parameter “{key}” of {kind}. {_hint(name, PARAMETERS[kind])}"
            raise here.fault(message, "unknown_setting")
        if name == "format" and value != FORMATS[kind]:
            raise here.fault(f"Lines are JSON objects: leave it out, or write {FORMATS[kind]}.", "not_supported")
        if name in ("path", "file") and not (isinstance(value, str) and value):
            raise here.fault("It must be text that is not empty.")
        given[name] = _switch(value, here) if name == "mkdir" else value
    if kind == "stdout":
        return LogOutput(type="stdout")
    if "file" not in given:
        raise place.at("parameters", "file").fault("This setting is required.", "required")
    path = os.path.join(given.get("path", ""), given["file"])
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        key = "path" if "path" in given else "file"
        raise place.at("parameters", key).fault(f"“{path}” is not the whole path of a file: it begins with “/”.")
    return LogOutput(type="file", path=os.path.normpath(path), mkdir=given.get("mkdir", False))


def _switch(value: Any, place: Place) -> bool:
    found = _SWITCH.get(str(value).lower())
    if found is None:
        raise place.fault("It must be true or false.")
    return found


def _hint(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean “{near[0]}”?"
    return f"Known are {', '.join(known)}." if known else "None is defined under “logging.outputs”."
