"""A form made from outlines. Field names are the settings' own: `rateLimits.0.key`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.forms import BoundField

from portal.core.errors import ApplicationError
from portal.core.forms import ConsoleForm
from portal.core.setting_forms.controls import Control, Setting
from portal.core.setting_forms.outline import SWITCH, Rows, Section, join, row_indexes, shown_value
from portal.core.setting_forms.posted import compacted, flat

MadeBy = Callable[[Control], forms.Field]


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
    # Of a part: whether it can be folded, and whether it is open at first.
    foldable: bool = False
    opened: bool = True
    # The control that says whether a part is there.
    switch: BoundField | None = None

    @property
    def only_with(self) -> str:
        """Return the field and the value without which this is hidden: `algorithm=fixed-window`; "" for always."""
        name, sign, value = self.setting.only_with.partition("=")
        return f"{join(self.path.rpartition('.')[0], name)}{sign}{value}" if sign else ""


class SettingsForm(ConsoleForm):
    """The settings of one or more outlines, each below a place of its own ("" for the top).

    `settings` are by place what the form shows; `kept` are stored secrets by their paths, which are never shown. After
    validation `value_at` returns what a service takes.
    """

    # Whether the outermost parts are folded, as long as they say nothing that is not usual.
    folds: ClassVar[bool] = False

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        outlines: Mapping[str, Section],
        settings: Mapping[str, Any],
        kept: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.outlines = outlines
        self.kept = dict(kept or {})
        self.place_errors: dict[str, list[str]] = {}
        self._said: set[str] = set()
        self._secret: set[str] = set()
        posted = None
        if data is not None:
            posted = flat(data)
            for place, section in outlines.items():
                posted = compacted(section, posted, place)
        super().__init__(posted, files, **kwargs)
        for place, section in outlines.items():
            self._add_section(section, place, settings.get(place), posted)

    def _add_section(self, section: Section, path: str, config: Any, posted: Mapping[str, Any] | None) -> None:
        for node in section.nodes:
            place = join(path, node.setting.name)
            value = shown_value(config, node.setting)
            if isinstance(config, Mapping) and config.get(node.setting.name) not in (None, {}, []):
                self._said.add(place)
            if isinstance(node, Control):
                self._add_field(node, place, value)
            elif isinstance(node, Section):
                if node.setting.switch:
                    self._add_switch(node, place, value is not None)
                self._add_section(node, place, value, posted)
            else:
                self._add_rows(node, place, value, posted)

    def _add_rows(self, node: Rows, path: str, value: Any, posted: Mapping[str, Any] | None) -> None:
        rows = list(value or [])
        given = len(row_indexes(posted, path)) if posted is not None else len(rows)
        count = max(given, min(node.at_least, 1))
        for index in range(count):
            row = rows[index] if index < len(rows) else None
            self._add_section(node.item, f"{path}.{index}", row, posted)

    def made(self, node: Control, *, kept: bool = False) -> forms.Field:
        """Return the field of a control. A form that knows more about a setting overrides this."""
        return node.field(kept=kept)

    def _add_field(self, node: Control, place: str, value: Any) -> None:
        made = self.made(node, kept=node.setting.secret and place in self.kept)
        made.initial = node.initial(value)
        self.fields[place] = made
        self.dress(made)
        if node.setting.secret:
            self._secret.add(place)

    def _add_switch(self, node: Section, path: str, on: bool) -> None:
        made = forms.BooleanField(label="Switched on", required=False, initial=on)
        self.fields[join(path, SWITCH)] = made
        self.dress(made)
        if on:
            self._said.add(path)

    def value_at(self, place: str = "") -> Any:
        """Return the settings below a place as plain data."""
        return self.outlines[place].value(self.cleaned_data, place)

    def clean(self) -> dict[str, Any]:
        """Forgive what is wrong inside a part that is switched off."""
        cleaned: dict[str, Any] = super().clean() or {}
        off = [name.removesuffix(SWITCH) for name in self.fields if name.endswith(f".{SWITCH}") and not cleaned[name]]
        for name in [name for name in self.errors if any(name.startswith(each) for each in off)]:
            del self.errors[name]
        return cleaned

    def add_application_error(self, error: ApplicationError) -> None:
        """Put a service's sentences beside the settings they are about."""
        for name, sentence in error.fields.items():
            self.add_fault(name, sentence)
        if not error.fields:
            self.add_error(None, error.message)

    def add_fault(self, path: str, message: str) -> None:
        """Put a sentence at its field, else at the nearest part around it, else at the top."""
        parts = _by_path([part for place in self.outlines for part in self.shown_at(place)])
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

    def part_of(self, name: str) -> str:
        """Let all rows of a list be one part: mixed from two people's lists they would say what neither meant."""
        steps = name.split(".")
        return ".".join(steps[: next((at for at, step in enumerate(steps) if step.isdecimal()), len(steps))])

    def row_of(self, name: str) -> str:
        """Return the row of a list that a field is in."""
        return "" if self.part_of(name) == name else name.rpartition(".")[0]

    def row_counts(self, fields: Mapping[str, str]) -> bool:
        """Leave rows out in which nothing is written."""
        return any(fields.values())

    def part_label(self, part: str) -> str:
        """Return the title of a setting, of a list of them, or of a part that is switched on and off."""
        shown = _by_path([each for place in self.outlines for each in self.shown_at(place)])
        found = shown.get(part.removesuffix(f".{SWITCH}"))
        return found.setting.title if found is not None else super().part_label(part)

    def is_secret(self, name: str) -> bool:
        """Tell what the outline says."""
        return name in self._secret

    def kept_secret(self, name: str) -> str:
        """Return a stored secret as text."""
        return str(self.kept.get(name) or "")

    def shown(self) -> list[Shown]:
        """Return the settings at the top as the template draws them."""
        return self.shown_at("")

    def shown_at(self, place: str) -> list[Shown]:
        """Return the settings below a place as the template draws them."""
        return self._shown(self.outlines[place], place)

    def _shown(self, section: Section, path: str) -> list[Shown]:
        found = []
        for node in section.nodes:
            place = join(path, node.setting.name)
            errors = self.place_errors.get(place, [])
            if isinstance(node, Control):
                found.append(Shown("field", place, node.setting, bound=self[place]))
            elif isinstance(node, Section):
                found.append(self._shown_section(node, place, errors))
            else:
                rows = [
                    Shown(
                        "row",
                        f"{place}.{index}",
                        node.setting,
                        parts=self._shown(node.item, f"{place}.{index}"),
                        errors=self.place_errors.get(f"{place}.{index}", []),
                    )
                    for index in row_indexes(self.fields, place)
                ]
                found.append(
                    Shown(
                        "rows", place, node.setting, parts=rows, blank=_blank_row(node, place, self.made), errors=errors
                    )
                )
        return found

    def _outermost(self, place: str) -> bool:
        return any(place.startswith(each) and "." not in place[len(each) :].lstrip(".") for each in self.outlines)

    def _shown_section(self, node: Section, place: str, errors: list[str]) -> Shown:
        wrong = bool(errors) or (self.is_bound and any(name.startswith(f"{place}.") for name in self.errors))
        return Shown(
            "section",
            place,
            node.setting,
            parts=self._shown(node, place),
            errors=errors,
            foldable=self.folds and self._outermost(place),
            opened=place in self._said or wrong,
            switch=self[join(place, SWITCH)] if node.setting.switch else None,
        )


def _blank_row(node: Rows, path: str, made_by: MadeBy, depth: int = 0) -> Shown:
    """Return the pattern from which the browser makes new rows; `__row0__` stands for the number, `__row1__` deeper."""
    placeholder = f"__row{depth}__"
    place = f"{path}.{placeholder}"
    parts = _blank_parts(node.item, place, made_by, depth)
    return Shown("row", place, node.setting, parts=parts, placeholder=placeholder)


def _blank_parts(section: Section, path: str, made_by: MadeBy, depth: int) -> list[Shown]:
    pattern = ConsoleForm(auto_id="id_%s")
    found = []
    for part in section.nodes:
        place = join(path, part.setting.name)
        if isinstance(part, Control):
            made = made_by(part)
            made.initial = part.initial(part.setting.default)
            pattern.fields[place] = made
            pattern.dress(made)
            found.append(Shown("field", place, part.setting, bound=pattern[place]))
        elif isinstance(part, Section):
            found.append(Shown("section", place, part.setting, parts=_blank_parts(part, place, made_by, depth)))
        else:
            found.append(Shown("rows", place, part.setting, blank=_blank_row(part, place, made_by, depth + 1)))
    return found


def _by_path(shown: list[Shown]) -> dict[str, Shown]:
    found = {}
    for node in shown:
        found[node.path] = node
        found.update(_by_path(node.parts))
    return found
