"""Secret settings kept apart from the others: encrypted at rest, masked where shown, kept where left empty."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

MASK = "••••••"
Way = Sequence[str]


def _at(config: Mapping[str, Any], way: Way) -> Any:
    found: Any = config
    for name in way:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def secrets_apart(config: Mapping[str, Any], ways: Sequence[Way]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings without their secrets, and the secrets by their place (`forward_proxy.password`)."""
    plain: dict[str, Any] = deepcopy(dict(config))
    secrets: dict[str, Any] = {}
    for way in ways:
        holder = _at(plain, way[:-1])
        if isinstance(holder, dict) and way[-1] in holder:
            secrets[".".join(way)] = holder.pop(way[-1])
    return plain, secrets


def secrets_kept(config: Mapping[str, Any], ways: Sequence[Way], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with each secret that was left empty, or sent back masked, as it was.

    A secret whose part is gone goes with it.
    """
    full: dict[str, Any] = deepcopy(dict(config))
    for way in ways:
        holder = _at(full, way[:-1])
        if isinstance(holder, dict) and holder.get(way[-1]) in (None, "", MASK, {}):
            holder.pop(way[-1], None)
            if (place := ".".join(way)) in kept:
                holder[way[-1]] = kept[place]
    return full


def secrets_masked(plain: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they may be shown."""
    shown: dict[str, Any] = deepcopy(dict(plain))
    for place in secrets:
        way = place.split(".")
        holder = _at(shown, way[:-1])
        if isinstance(holder, dict):
            holder[way[-1]] = MASK
    return shown
