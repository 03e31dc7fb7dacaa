"""What a form shows or was sent, in parts that can be compared: usually one field, or all rows of a list."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import ModelChoiceField

from portal.core.setting_forms.secrets import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPart:
    """One part. `value` is compared and may be secret; `text` may be shown."""

    name: str
    value: str
    text: str


def shown_parts(form: Any) -> dict[str, FormPart]:
    """Return what an unbound form shows, by part."""
    return _parts(form, {name: _initial(form, name) for name in form.fields})


def typed_parts(form: Any, present: Mapping[str, FormPart]) -> dict[str, FormPart]:
    """Return what a bound form was sent, by part. A secret that was left empty is the present one."""
    typed = {}
    for name, field in form.fields.items():
        value = _plain(field.widget.value_from_datadict(form.data, form.files, name))
        if form.is_secret(name) and not value:
            value = present[name].value if name in present else ""
        typed[name] = value
    return _parts(form, typed)


def posted_values(form: Any, part: str) -> dict[str, list[str]]:
    """Return one part of an unbound form as a browser would post it. Secrets are left empty: the present one stays."""
    posted: dict[str, list[str]] = {}
    for name, field in form.fields.items():
        if form.part_of(name) != part:
            continue
        value = form.get_initial_for_field(field, name)
        if isinstance(field.widget, forms.CheckboxInput):
            posted[name] = ["on"] if value else []
        elif form.is_secret(name):
            posted[name] = [""]
        else:
            rendered = field.widget.format_value(field.prepare_value(value))
            posted[name] = [_plain(each) for each in rendered] if isinstance(rendered, list) else [_plain(rendered)]
    return posted


def _initial(form: Any, name: str) -> str:
    field = form.fields[name]
    if form.is_secret(name):
        return str(form.kept_secret(name))
    value = form.get_initial_for_field(field, name)
    if isinstance(field.widget, forms.CheckboxInput):
        return _plain(bool(value))
    return _plain(field.widget.format_value(field.prepare_value(value)))


def _plain(value: Any) -> str:
    """Return a value of a widget as one text, however browsers end their lines."""
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    if isinstance(value, (list, tuple)):
        return "\n".join(_plain(each) for each in value)
    return str(value).replace("\r\n", "\n").strip()


def _parts(form: Any, values: Mapping[str, str]) -> dict[str, FormPart]:
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in values.items():
        rows.setdefault(form.part_of(name), {}).setdefault(form.row_of(name), {})[name] = value
    found = {}
    for part, fields_by_row in rows.items():
        counting = [fields for fields in fields_by_row.values() if form.row_counts(fields)]
        alone = part in form.fields
        value = values[part] if alone else json.dumps([list(fields.values()) for fields in counting]) * bool(counting)
        text = "\n".join(_row_text(form, fields, alone=alone) for fields in counting)
        found[part] = FormPart(name=part, value=value, text=text)
    return found


def _row_text(form: Any, fields: Mapping[str, str], *, alone: bool) -> str:
    texts = [(form.fields[name].label or name, _readable(form, name, value)) for name, value in fields.items()]
    if alone:
        return texts[0][1]
    return ", ".join(f"{label}: {text}" for label, text in texts if text)


def _readable(form: Any, name: str, value: str) -> str:
    """Return a value as the page shows it: the words of a choice, yes or no, a mask for a secret."""
    field = form.fields[name]
    if form.is_secret(name):
        return MASK if value else ""
    if isinstance(field.widget, forms.CheckboxInput):
        return "Yes" if value else "No"
    if isinstance(field, ModelChoiceField):
        try:
            chosen = field.to_python(value)
        except forms.ValidationError:
            return value
        return field.label_from_instance(chosen) if chosen is not None else ""
    if isinstance(field, forms.ChoiceField):
        return str(dict(_flat(field.choices)).get(value, value))
    return value


def _flat(choices: Any) -> list[tuple[str, Any]]:
    return [
        (str(value), label)
        for key, text in choices
        for value, label in (text if isinstance(text, (list, tuple)) else [(key, text)])
    ]
