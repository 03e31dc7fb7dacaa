"""Between a configuration and what a browser posts: names such as `rateLimits.0.key`, one value each."""

from collections.abc import Mapping
from typing import Any

from portal.core.setting_forms.outline import SWITCH, Rows, Section, join, row_indexes, shown_value

ADD, REMOVE = "_add_row", "_remove_row"


def flat(data: Any) -> dict[str, Any]:
    """Return posted data with one value per name."""
    return {name: data[name] for name in data}


def compacted(section: Section, data: dict[str, Any], place: str = "") -> dict[str, Any]:
    """Return posted data without blank rows, the others numbered from 0: what the form then has fields for."""
    for path, rows in _row_places(section, data, place):
        kept = [i for i in row_indexes(data, path) if not rows.item.is_blank(data, f"{path}.{i}")]
        numbers = {str(old): str(new) for new, old in enumerate(kept)}
        start = f"{path}."
        renamed = {}
        for name, value in data.items():
            if not name.startswith(start):
                renamed[name] = value
                continue
            index, _, rest = name[len(start) :].partition(".")
            if index in numbers:
                renamed[f"{start}{numbers[index]}.{rest}"] = value
        data = renamed
    return data


def _row_places(section: Section, data: Mapping[str, Any], path: str = "") -> list[tuple[str, Rows]]:
    """Return the lists of the form, inner ones before those around them."""
    found: list[tuple[str, Rows]] = []
    for node in section.nodes:
        place = join(path, node.setting.name)
        if isinstance(node, Section):
            found += _row_places(node, data, place)
        elif isinstance(node, Rows):
            for index in row_indexes(data, place):
                found += _row_places(node.item, data, f"{place}.{index}")
            found.append((place, node))
    return found


def posted_again(section: Section, data: Any, place: str = "") -> dict[str, Any]:
    """Return what was typed into a part of a form, with a row more or less: for browsers without JavaScript.

    The posted `_add_row` names a list, `_remove_row` a row (`rateLimits.1`).
    """
    values = flat(data)
    removed = values.pop(REMOVE, "")
    if removed:
        values = {name: value for name, value in values.items() if not name.startswith(f"{removed}.")}
    return _typed(section, values, place, values.get(ADD, ""))


def _typed(section: Section, values: Mapping[str, Any], path: str, added: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in section.nodes:
        place = join(path, node.setting.name)
        if isinstance(node, Section):
            there = not node.setting.switch or join(place, SWITCH) in values
            found[node.setting.name] = _typed(node, values, place, added) if there else None
        elif isinstance(node, Rows):
            found[node.setting.name] = [
                _typed(node.item, values, f"{place}.{index}", added) for index in row_indexes(values, place)
            ]
            if place == added:
                found[node.setting.name].append({})
        else:
            made = node.field()
            found[node.setting.name] = made.widget.value_from_datadict(values, {}, place)
    return found


def as_posted(section: Section, config: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return a configuration as a browser would post it."""
    found: dict[str, Any] = {}
    for node in section.nodes:
        place = join(path, node.setting.name)
        value = shown_value(config, node.setting)
        if isinstance(node, Section):
            found.update({join(place, SWITCH): "on"} if node.setting.switch and value is not None else {})
            found.update(as_posted(node, value or {}, place))
        elif isinstance(node, Rows):
            for index, row in enumerate(value or []):
                found.update(as_posted(node.item, row, f"{place}.{index}"))
        elif isinstance(value, bool):
            found.update({place: "on"} if value else {})
        elif value is not None:
            found[place] = node.typed(value)
    return found
