"""How recorded changes read."""

import json
from typing import Any

_THINGS = {
    "api": "API", "apiinstance": "API instance", "apiversion": "API version", "apitoken": "API token",
    "instance": "API instance", "clientapplication": "application", "policybinding": "policy", "rolebinding": "role",
    "automatedpolicy": "automated policy", "slatier": "SLA tier", "tier": "SLA tier",
}  # fmt: skip
_DONE = {
    "begin": "begun",
    "grant": "granted",
    "send": "sent",
    "set": "set",
    "stop": "stopped",
    "sign on link": "linked to single sign-on",
}


def _done(doing: str) -> str:
    """Return “created” for “create” and “password changed” for “password change”."""
    if doing in _DONE:
        return _DONE[doing]
    if doing.endswith("y") and doing[-2:-1] not in "aeou":
        return f"{doing[:-1]}ied"
    return f"{doing}d" if doing.endswith("e") else f"{doing}ed"


def readable(value: str) -> str:
    """Write an action or kind as people read it: `api_token.create` is “API token created”."""
    thing, dot, doing = value.replace("_", " ").partition(".")
    thing = _THINGS.get(thing, thing).replace("api ", "API ")
    text = f"{thing} {_done(doing)}" if dot else thing
    return f"{text[:1].upper()}{text[1:]}"


def shown(value: Any) -> str:
    """Write one recorded value."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, before, after) of what differs, in the order in which it was recorded."""
    names = [*before, *(name for name in after if name not in before)]
    return [
        (name.replace("_", " "), shown(before.get(name)), shown(after.get(name)))
        for name in names
        if name not in before or name not in after or before[name] != after[name]
    ]
