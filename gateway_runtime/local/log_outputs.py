"""`logging.outputs` of a Configuration, and which of them the runtime log and the access log name."""

from __future__ import annotations

from collections.abc import Collection

from gateway_runtime.local.configuration_kind import Logging, Outputs
from gateway_runtime.local.configuration_kind import LogOutput as Written
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.log_parameters import hint, read_output
from gateway_runtime.local.place import Place
from gateway_runtime.schema.log_output import LogOutput

NOTHING_SENT = {"anypoint": "disabled"}


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
            return read_output(written, place)
        except FileFault as fault:
            self.faults.append(fault)
            return None


def _hint(name: str, known: Collection[str]) -> str:
    return hint(name, known) if known else "None is defined under “logging.outputs”."
