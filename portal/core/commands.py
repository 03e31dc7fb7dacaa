"""“Show the command for this”: what a page's form or button does, as a call of the REST interface to be pasted.

A page says which call it is (`rest = Rest("PATCH", "/gateways/{object.pk}/")`); the values are what the page would give
to its service, which REST takes under the same names.
"""

import enum
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.db.models import Model
from django.urls import Resolver404, resolve

# What says nothing: who makes a thing need not say what stays empty, who changes one may want it to be.
UNSAID: dict[str, tuple[Any, ...]] = {"POST": (None, ""), "PATCH": (None,), "PUT": (None,)}
# In the address to which a form is posted, or in that of a button: nothing is done, the command is shown.
PARAMETER = "_command"
TOKEN = "Authorization: Bearer $PORTICO_TOKEN"  # noqa: S105 - the shell puts the token in


@dataclass(frozen=True, slots=True)
class Rest:
    """The call that does the same as a page.

    `path` lies below /api/v1 and may hold `{object.pk}` and other attributes of the view. `names` translates a value's
    name, "" leaves it out. `adds` are further values. `takes_object` puts the page's
    object among the values, for what is made under it. `file` names the value that is sent as the whole body.
    """

    method: str
    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    adds: Mapping[str, Any] = field(default_factory=dict)
    takes_object: bool = False
    body: bool = True
    file: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A call ready to be shown: `text` is what to paste."""

    method: str
    path: str
    body: dict[str, Any] | None
    text: str


def command_of(view: Any, values: Mapping[str, Any]) -> Command:
    """Return the call that does what the page would do with these values."""
    rest: Rest = view.rest
    path = f"/api/v1{rest.path.format(object=view.object, view=view, environment=view.environment)}"
    body: dict[str, Any] | None = None
    if rest.body and not rest.file and rest.method in ("POST", "PATCH", "PUT"):
        given = {**(view.object_argument() if rest.takes_object else {}), **values}
        body = {
            rest.names.get(name, name): written(value)
            for name, value in given.items()
            if value not in UNSAID[rest.method] and rest.names.get(name, name)
        }
        for name, value in rest.adds.items():
            body[name] = value
    return Command(rest.method, path, body, _curl(rest, path, body))


def call(method: str, path: str, body: Mapping[str, Any] | None = None) -> Command:
    """Return a call of the REST interface that no `Rest` describes, for pages that know their values beforehand.

    `path` lies below /api/v1. Values that say nothing are left out.
    """
    said = None
    if body is not None:
        said = _said(body)
    rest = Rest(method, path)
    return Command(method, f"/api/v1{path}", said, _curl(rest, f"/api/v1{path}", said))


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: _said(value) if isinstance(value, Mapping) else written(value) for name, value in body.items()}
    return {name: value for name, value in plain.items() if value not in (None, "", {}, [])}


def _curl(rest: Rest, path: str, body: dict[str, Any] | None) -> str:
    parts = [f"curl --fail-with-body -X {rest.method} {shlex.quote(settings.PORTAL_URL + path)}"]
    # In double quotes, so that the shell puts the token in.
    parts.append(f'-H "{TOKEN}"')
    if rest.file:
        parts += ["-H 'Content-Type: application/yaml'", f"--data-binary @{rest.file}"]
    elif body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}")
    return " \\\n  ".join(parts)


def written(value: Any) -> Any:
    """Return a value of a form or service as JSON has it: a row is its id."""
    if isinstance(value, Model):
        return str(value.pk)
    if isinstance(value, enum.Enum):
        return written(value.value)
    if isinstance(value, UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: written(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): written(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [written(each) for each in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def placeholder(name: str) -> str:
    """Return what stands for a secret, by its name."""
    return f"YOUR_{name.upper().replace('-', '_').replace('.', '_')}"


def without_secrets(form: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's values with a placeholder for each that was typed into a password field."""
    secret = {
        name for name, each in getattr(form, "fields", {}).items() if isinstance(each.widget, forms.PasswordInput)
    }
    return {name: placeholder(name) if name in secret and value else value for name, value in values.items()}


def has_command(url: str) -> bool:
    """Tell whether what is posted to an address of ours can be shown as a command."""
    try:
        view = getattr(resolve(url.partition("?")[0]).func, "view_class", None)
    except Resolver404:
        return False
    return getattr(view, "rest", None) is not None
