"""Secret settings apart from the others: by their paths, such as `tls.key`."""

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any

from portal.core.commands import placeholder
from portal.core.setting_forms.controls import Control
from portal.core.setting_forms.outline import Section, join

MASK = "••••••"
Settings = dict[str, Any]


def secret_paths(section: Section, path: str = "") -> tuple[str, ...]:
    """Return the paths of the secret settings of an outline. Those inside lists are none."""
    return tuple(_secret_paths(section, path))


def _secret_paths(section: Section, path: str) -> Iterator[str]:
    for node in section.nodes:
        place = join(path, node.setting.name)
        if isinstance(node, Control) and node.setting.secret:
            yield place
        elif isinstance(node, Section):
            yield from _secret_paths(node, place)


def split(settings: Settings, paths: Collection[str]) -> tuple[Settings, dict[str, Any]]:
    """Return the plain settings, and the secret ones by path."""
    plain, secrets = deepcopy(settings), {}
    for path in paths:
        around, name = _around(plain, path)
        if around is not None and name in around:
            secrets[path] = around.pop(name)
    return plain, secrets


def joined(settings: Settings, secrets: Mapping[str, Any]) -> Settings:
    """Return settings with their secrets in place; one whose part is not there any more is left out."""
    full = deepcopy(settings)
    for path, value in secrets.items():
        around, name = _around(full, path)
        if around is not None:
            around[name] = value
    return full


def masked(settings: Settings, secrets: Mapping[str, Any]) -> Settings:
    """Return settings as they may be shown."""
    return joined(settings, dict.fromkeys(secrets, MASK))


def with_placeholders(settings: Settings, paths: Collection[str]) -> Settings:
    """Return settings to be shown as a command: a secret that was typed is named, an empty one left out."""
    plain, secrets = split(settings, paths)
    return joined(plain, {path: placeholder(path) for path, value in secrets.items() if value})


def with_kept(settings: Settings, kept: Mapping[str, Any], paths: Collection[str]) -> Settings:
    """Return settings in which each secret that was left empty, or sent back masked, is as it was."""
    full = deepcopy(settings)
    for path in paths:
        around, name = _around(full, path)
        if around is not None and around.get(name) in (None, "", {}, MASK):
            around.pop(name, None)
            if path in kept:
                around[name] = kept[path]
    return full


def _around(settings: Settings, path: str) -> tuple[Settings | None, str]:
    """Return what holds a setting, None where that is not there, and the setting's name in it."""
    *parts, name = path.split(".")
    around: Any = settings
    for part in parts:
        around = around.get(part) if isinstance(around, dict) else None
    return (around if isinstance(around, dict) else None), name
