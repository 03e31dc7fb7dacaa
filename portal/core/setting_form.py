"""A form made from a type that says its settings. Field names are the settings' own: `rateLimits.0.key`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField, Field

from portal.core.forms import ConsoleForm
from portal.core.setting_controls import Control, Setting
from portal.core.setting_outline import Rows, Section, join, row_indexes, shown_value, with_switch
from portal.core.setting_posted import compacted, flat

_INDEX = re.compile(r"\[(\d+)\]")


def field_path(path: str) -> str:
    """Return a fault's path as fields are named: `rateLimits[0].maximumRequests` → `rateLimits.0.maximumRequests`."""
    return _INDEX.sub(r".\1", path)


@dataclass(slots=True)
class Shown:
    """A node as the template draws it. `kind` is "field", "section" or "rows"; `blank` is the pattern of a new row."""

    kind: str
    path: str
    setting: Setting
    bound: BoundField | None = None
    parts: list["Shown"] = field(default_factory=list)
    blank: "Shown | None" = None
    errors: list[str] = field(default_factory=list)
    # What stands for the number in the pattern of a new row.
    placeholder: str = ""

    @property
    def only_with(self) -> str:
        """Return the field and the value without which this is hidden: `algorithm=fixed-window`; "" for always."""
        name, sign, value = self.setting.only_with.partition("=")
        return f"{join(self.path.rpartition('.')[0], name)}{sign}{value}" if sign else ""


class SettingsForm(ConsoleForm):
    """Fields for the settings of sections, each at its place: (section, place, what it shows).

    `kept` are places of stored secrets, which are never shown and may be left empty.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        outlines: Iterable[tuple[Section, str, Any]],
        kept: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        sections = list(outlines)
        self.kept_places = frozenset(kept)
        self.place_errors: dict[str, list[str]] = {}
        posted = None
        if data is not None:
            posted = flat(data)
            for section, place, _ in sections:
                posted = compacted(section, posted, place)
        self._outlines = [(section, place) for section, place, _ in sections]
        super().__init__(posted, files, **kwargs)
        for section, place, value in sections:
            self._add_section(section, place, value, posted)

    def made(self, node: Control, *, kept: bool = False) -> Field:
        """Return the field of a control; a form that knows more about a setting overrides this."""
        return node.field(kept=kept)

    def _add_section(
        self, section: Section, path: str, config: Any, posted: Mapping[str, Any] | None, *, behind_switch: bool = False
    ) -> None:
        for node in section.nodes:
            place = join(path, node.setting.name)
            value = shown_value(config, node.setting)
            if isinstance(node, Control):
                self._add_field(node, place, value)
                if behind_switch:
                    # What is missing is told by whoever takes the settings, where the switch is on.
                    self.fields[place].required = False
            elif isinstance(node, Section):
                behind = behind_switch or bool(node.setting.switch)
                self._add_section(node, place, with_switch(node, value), posted, behind_switch=behind)
            else:
                self._add_rows(node, place, value, posted)

    def _add_rows(self, node: Rows, path: str, value: Any, posted: Mapping[str, Any] | None) -> None:
        rows = list(value or [])
        given = len(row_indexes(posted, path)) if posted is not None else len(rows)
        count = max(given, min(node.at_least, 1))
        for index in range(count):
            row = rows[index] if index < len(rows) else None
            self._add_section(node.item, f"{path}.{index}", row, posted)

    def _add_field(self, node: Control, place: str, value: Any) -> None:
        made = self.made(node, kept=node.setting.secret and place in self.kept_places)
        made.initial = node.initial(value)
        self.fields[place] = made
        self.dress(made)

    def add_fault(self, path: str, message: str) -> None:
        """Put a sentence at its field, else at the nearest part around it, else at the top."""
        parts = _by_path([part for section, place in self._outlines for part in self.parts_of(section, place)])
        while path:
            if path in self.fields:
                self.add_error(path, message)
                return
            if path in parts:
                self.place_errors.setdefault(path, []).append(message)
                self.add_error(None, f"{parts[path].setting.title}: {message}")
                return
            path, _, inner = path.rpartition(".")
            if inner.isdecimal() and path in self.fields:
                message = f"Line {int(inner) + 1}: {message}"
        self.add_error(None, message)

    def parts_of(self, section: Section, path: str) -> list[Shown]:
        """Return a section as the template draws it."""
        found = []
        for node in section.nodes:
            place = join(path, node.setting.name)
            errors = self.place_errors.get(place, [])
            if isinstance(node, Control):
                found.append(Shown("field", place, node.setting, bound=self[place]))
            elif isinstance(node, Section):
                found.append(Shown("section", place, node.setting, parts=self.parts_of(node, place), errors=errors))
            else:
                rows = [
                    Shown(
                        "row",
                        f"{place}.{index}",
                        node.setting,
                        parts=self.parts_of(node.item, f"{place}.{index}"),
                        errors=self.place_errors.get(f"{place}.{index}", []),
                    )
                    for index in row_indexes(self.fields, place)
                ]
                found.append(
                    Shown("rows", place, node.setting, parts=rows, blank=self._blank_row(node, place), errors=errors)
                )
        return found

    def _blank_row(self, node: Rows, path: str, depth: int = 0) -> Shown:
        """Return the pattern from which the browser makes new rows; `__row0__` is the number, `__row1__` deeper."""
        placeholder = f"__row{depth}__"
        place = f"{path}.{placeholder}"
        parts = self._blank_parts(node.item, place, depth)
        return Shown("row", place, node.setting, parts=parts, placeholder=placeholder)

    def _blank_parts(self, section: Section, path: str, depth: int) -> list[Shown]:
        pattern = ConsoleForm(auto_id="id_%s")
        found = []
        for part in section.nodes:
            place = join(path, part.setting.name)
            if isinstance(part, Control):
                made = self.made(part)
                made.initial = part.initial(part.setting.default)
                pattern.fields[place] = made
                pattern.dress(made)
                found.append(Shown("field", place, part.setting, bound=pattern[place]))
            elif isinstance(part, Section):
                found.append(Shown("section", place, part.setting, parts=self._blank_parts(part, place, depth)))
            else:
                found.append(Shown("rows", place, part.setting, blank=self._blank_row(part, place, depth + 1)))
        return found


def _by_path(shown: list[Shown]) -> dict[str, Shown]:
    found = {}
    for node in shown:
        found[node.path] = node
        found.update(_by_path(node.parts))
    return found
