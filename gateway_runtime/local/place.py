"""Where a value stands: the file, the line, the path of keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.spelling import OTHERS
from gateway_runtime.schema.faults import ConfigFault, fault_from

Path = tuple[str | int, ...]

_STEP = re.compile(r"\[(\d*|\.\.\.)\]|([^.\[\]]+)")


# The form of names. Generated names are made of names, so they have it too.
NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"


def _clearer(message: str) -> str:
    """Say what to do about a fault that YAML makes easy."""
    if NAME_PATTERN in message:
        return "A name has letters, digits, “.”, “-” and “_”; a letter or a digit comes first and last."
    if message.endswith("got `null`."):
        return "This is empty. Give it a value, or remove it."
    if message.startswith("Expected “str”, got"):
        return f"{message} Write the value in quotes."
    return message


@dataclass(frozen=True, slots=True)
class Place:
    """One value of one YAML document. `lines` has the line of each of the document's values by path."""

    file: str
    lines: Mapping[Path, int]
    path: Path = ()

    def at(self, *steps: str | int) -> Place:
        """Return the place of a value inside this one, whether or not it is there."""
        return Place(self.file, self.lines, self.path + steps)

    def inside(self, path: str) -> Place:
        """Return the place that a msgspec path names (`routes[0].config`); it ends where that says `[...]`."""
        steps: list[str | int] = []
        for index, name in _STEP.findall(path):
            if index == "...":
                break
            steps.append(int(index) if index else name)
        return self.at(*steps)

    @property
    def written(self) -> Path:
        """Return the path with its keys as the file spells them."""
        path: Path = ()
        for step in self.path:
            inner = (*path, step)
            if inner not in self.lines and isinstance(step, str):
                spelled = ((*path, other) for other in OTHERS.get(step, ()))
                inner = next((each for each in spelled if each in self.lines), inner)
            path = inner
        return path

    @property
    def line(self) -> int:
        """Return the line of the value, or of the nearest one around it."""
        path = self.written
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    @property
    def key(self) -> str:
        """Return the path as text: `spec.policies[0].config`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.written)
        return text.removeprefix(".")

    @property
    def shown(self) -> str:
        """Return “file:line” for a sentence about another place."""
        return f"{self.file}:{self.line}"

    def fault(self, message: str, code: str = "invalid_value") -> FileFault:
        """Return a fault at this place."""
        return FileFault(self.file, self.line, self.key, message, code)

    def config_fault(self, fault: ConfigFault) -> FileFault:
        """Return the fault of a value inside this one, as the schema describes it."""
        return self.inside(fault.path).fault(_clearer(fault.message), fault.code)

    def convert(self, value: Any, type_: Any) -> Any:
        """Decode the value at this place. Raises `FileFault`."""
        try:
            return msgspec.convert(value, type=type_)
        except msgspec.ValidationError as error:
            raise self.config_fault(fault_from(error, type_)) from error
