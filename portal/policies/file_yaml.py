"""Resources as YAML that the gateway's own reader takes for exactly the same values."""

from collections.abc import Iterable
from typing import Any

import yaml

# Line ends besides the usual one: only between double quotes they stay what they are.
_BREAKS = frozenset("\r\x85\u2028\u2029")
# What a reader of YAML 1.1 or 1.2 may take for something else than text.
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


class _Dumper(yaml.SafeDumper):
    """Quotes every text that does not begin like a word, and writes longer texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out: a file is read by people, too."""
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    plain = value[:1].isascii() and (value[:1].isalpha() or value[:1] in ("/", "$"))
    style = None if plain and value.lower() not in _RESERVED else "'"
    if not _BREAKS.isdisjoint(value):
        style = '"'
    elif "\n" in value:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_of(resources: Iterable[dict[str, Any]]) -> str:
    """Return one document for each resource."""
    text: str = yaml.dump_all(
        resources, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, explicit_start=True
    )
    return text
