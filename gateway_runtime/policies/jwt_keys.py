"""Keys that signatures of tokens are checked with, and JSON Web Key Sets (RFC 7517) before their keys are read."""

import json
from typing import Any, NamedTuple

KEY_LIMIT = 100


class SigningKey(NamedTuple):
    """One key that may have signed with one algorithm. `kid` is None where the key set does not name it."""

    kid: str | None
    key: Any
    algorithm: str


def strict_json(data: bytes) -> Any:
    """Read JSON that two readers cannot read differently. Raises `ValueError`, also for a name that is there twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name is there twice")
        return found

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no JSON number")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def read_key_set(data: bytes) -> list[dict[str, Any]]:
    """Return the keys of a key set as they are written. Raises `ValueError` for what is none."""
    document = strict_json(data)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or len(keys) > KEY_LIMIT:
        raise ValueError("no key set")
    found = [key for key in keys if isinstance(key, dict)]
    if not found:
        raise ValueError("no keys")
    return found
