"""The form of every policy, made from its definition. Field names are the settings' own: `rateLimits.0.key`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField

from gateway_runtime.policies.registry import read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.errors import ApplicationError
from portal.core.forms import ConsoleForm
from portal.policies.controls import Control, Setting
from portal.policies.outline import Rows, Section, join, outline, row_indexes, shown_value
from portal.policies.posted import compacted, flat
from portal.policies.settings import field_path, with_kept_secrets
from portal.policies.when import PLACE, typed_when, when_outline


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


class PolicyForm(ConsoleForm):
    """The settings of one policy, and when it acts. After validation `config` and `when` are what the service takes.

    `config` and `when` given are what the form shows; `kept` are the stored secrets, which are never shown. With
    `automated` it is for the instances that a selector says, else for the requests that conditions say.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        definition: PolicyDefinition,
        config: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        when: Mapping[str, Any] | None = None,
        automated: bool = False,
        **kwargs: Any,
    ) -> None:
        self.definition = definition
        self.outline = outline(definition.config)
        self.when_outline = when_outline(definition, automated=automated)
        self.kept = dict(kept or {})
        self.config: dict[str, Any] = {}
        self.when: dict[str, Any] = {}
        self.place_errors: dict[str, list[str]] = {}
        posted = None
        if data is not None:
            posted = compacted(self.when_outline, compacted(self.outline, flat(data)), PLACE)
        super().__init__(posted, files, **kwargs)
        self._add_section(self.outline, "", config, posted)
        self._add_section(self.when_outline, PLACE, when, posted)
        # Who leaves it out says nothing about it: a new policy is enforced, another one stays as it is.
        self.fields[f"{PLACE}.mode"].required = False

    def _add_section(self, section: Section, path: str, config: Any, posted: Mapping[str, Any] | None) -> None:
        for node in section.nodes:
            place = join(path, node.setting.name)
            value = shown_value(config, node.setting)
            if isinstance(node, Control):
                self._add_field(node, place, value)
            elif isinstance(node, Section):
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

    def _add_field(self, node: Control, place: str, value: Any) -> None:
        made = node.field(kept=node.setting.secret and place in self.kept)
        made.initial = node.initial(value)
        self.fields[place] = made
        self.dress(made)

    def clean(self) -> dict[str, Any]:
        """Let the policy's own type decide, as in REST and files, and put its sentence beside the field."""
        cleaned: dict[str, Any] = super().clean() or {}
        self.config = self.outline.value(self.cleaned_data)
        try:
            self.when = typed_when(self.when_outline.value(self.cleaned_data, PLACE))
        except ApplicationError as error:
            self.add_error(f"{PLACE}.selector", error.message)
        if not self.errors:
            try:
                read_config(self.definition, with_kept_secrets(self.definition, self.config, self.kept))
            except ConfigFault as fault:
                self._add_fault(field_path(fault.path), fault.message)
        return cleaned

    def add_application_error(self, error: Any) -> None:
        """Put a service's sentences about settings beside their fields."""
        for name, sentence in error.fields.items():
            first, _, rest = name.partition(".")
            self._add_fault(
                f"{PLACE}.{name}" if first in ("mode", "rules", "selector") else rest if first == "config" else "",
                sentence,
            )
        if not error.fields:
            self.add_error(None, error.message)

    def _add_fault(self, path: str, message: str) -> None:
        """Put a sentence at its field, else at the nearest part around it, else at the top."""
        parts = _by_path([*self.shown(), *self.shown_when()])
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
        """Return the title of a setting or of a list of them."""
        found = _by_path([*self.shown(), *self.shown_when()]).get(part)
        return found.setting.title if found is not None else part

    def kept_secret(self, name: str) -> str:
        """Return a stored secret as text."""
        return str(self.kept.get(name) or "")

    def shown(self) -> list[Shown]:
        """Return the settings as the template draws them."""
        return self._shown(self.outline, "")

    def shown_when(self) -> list[Shown]:
        """Return what says when the policy acts as the template draws it."""
        return self._shown(self.when_outline, PLACE)

    def _shown(self, section: Section, path: str) -> list[Shown]:
        found = []
        for node in section.nodes:
            place = join(path, node.setting.name)
            errors = self.place_errors.get(place, [])
            if isinstance(node, Control):
                found.append(Shown("field", place, node.setting, bound=self[place]))
            elif isinstance(node, Section):
                found.append(Shown("section", place, node.setting, parts=self._shown(node, place), errors=errors))
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
                    Shown("rows", place, node.setting, parts=rows, blank=_blank_row(node, place), errors=errors)
                )
        return found


def _blank_row(node: Rows, path: str, depth: int = 0) -> Shown:
    """Return the pattern from which the browser makes new rows; `__row0__` stands for the number, `__row1__` deeper."""
    placeholder = f"__row{depth}__"
    place = f"{path}.{placeholder}"
    parts = _blank_parts(node.item, place, depth)
    return Shown("row", place, node.setting, parts=parts, placeholder=placeholder)


def _blank_parts(section: Section, path: str, depth: int) -> list[Shown]:
    pattern = ConsoleForm(auto_id="id_%s")
    found = []
    for part in section.nodes:
        place = join(path, part.setting.name)
        if isinstance(part, Control):
            made = part.field()
            made.initial = part.initial(part.setting.default)
            pattern.fields[place] = made
            pattern.dress(made)
            found.append(Shown("field", place, part.setting, bound=pattern[place]))
        elif isinstance(part, Section):
            found.append(Shown("section", place, part.setting, parts=_blank_parts(part, place, depth)))
        else:
            found.append(Shown("rows", place, part.setting, blank=_blank_row(part, place, depth + 1)))
    return found


def _by_path(shown: list[Shown]) -> dict[str, Shown]:
    found = {}
    for node in shown:
        found[node.path] = node
        found.update(_by_path(node.parts))
    return found
