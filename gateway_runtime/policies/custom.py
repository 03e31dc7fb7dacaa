"""Policies that an operator has installed: files of a folder, and packages with the entry point `portico.policies`.

They are code that runs inside the gateway, so only who can write to the machine adds one. What cannot be used is named
in a sentence, and whoever starts decides what to do about it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from gateway_runtime.policies.rules import broken_rules
from gateway_runtime.schema.policy import PolicyDefinition

# Names the folder.
VARIABLE = "PORTICO_POLICIES"
GROUP = "portico.policies"
# Custom files are modules of this package that is none, so that they cannot hide one of somebody else.
_PACKAGE = "portico_policies"


class Custom(NamedTuple):
    """What is installed and can be used, and a sentence for everything that cannot."""

    definitions: tuple[PolicyDefinition, ...] = ()
    faults: tuple[str, ...] = ()


def find_custom(built_in: Iterable[PolicyDefinition], environment: Mapping[str, str]) -> Custom:
    """Return the custom policies. Two of one name, or one with the name or a code of a built-in one, are a fault."""
    names = {name: "a policy of Portico" for d in built_in for name in (d.name, *d.aliases)}
    codes = {refusal.code: "a policy of Portico" for d in built_in for refusal in d.refusals}
    found: list[PolicyDefinition] = []
    faults: list[str] = []
    for source, loaded in _loaded(environment):
        fault = loaded if isinstance(loaded, str) else _fault(loaded, names, codes)
        if fault:
            faults.append(f"The custom policy {source} cannot be used: {fault}")
        else:
            found.append(loaded)
            names |= dict.fromkeys((loaded.name, *loaded.aliases), source)
            codes |= {refusal.code: source for refusal in loaded.refusals}
    return Custom(tuple(found), tuple(faults))


def _fault(found: Any, names: Mapping[str, str], codes: Mapping[str, str]) -> str:
    if not isinstance(found, PolicyDefinition):
        return "it has no DEFINITION that is a PolicyDefinition."
    for name in (found.name, *found.aliases):
        if name in names:
            return f"the name “{name}” belongs to {names[name]} already."
    for refusal in found.refusals:
        if refusal.code in codes:
            return f"the code “{refusal.code}” belongs to {codes[refusal.code]} already."
    try:
        return next(broken_rules(found), "")
    except Exception as error:
        return _reason(error)


def _loaded(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield (where from, the definition or why there is none)."""
    folder = environment.get(VARIABLE, "").strip()
    if folder:
        yield from _of_folder(Path(folder).expanduser())
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        source = f"“{entry.name}” of the package {entry.dist.name if entry.dist else '?'}"
        try:
            loaded = entry.load()
        except Exception as error:
            yield source, _reason(error)
        else:
            yield source, getattr(loaded, "DEFINITION", None) if isinstance(loaded, ModuleType) else loaded


def _of_folder(folder: Path) -> Iterator[tuple[str, Any]]:
    try:
        files = sorted(folder.glob("*.py"))
    except OSError as error:
        yield f"folder {folder}", f"it cannot be read: {error.strerror}."
        return
    if not folder.is_dir():
        yield f"folder {folder}", f"it is not there. Create it, or unset {VARIABLE}."
    for path in files:
        # Tests lie beside what they test, and a name with a line in front is a part of another file.
        if not path.name.startswith(("_", "test_", "conftest")):
            yield str(path), _of_file(path)


def _of_file(path: Path) -> Any:
    name = f"{_PACKAGE}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return "it is no Python file."
    module = importlib.util.module_from_spec(spec)
    # Where types are looked up that annotations name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        return _reason(error)
    return getattr(module, "DEFINITION", None)


def _reason(error: BaseException) -> str:
    line = error.lineno if isinstance(error, SyntaxError) else _last_line(error)
    return f"{type(error).__name__}: {error}" + (f" (line {line})" if line else "") + "."


def _last_line(error: BaseException) -> int:
    line, trace = 0, error.__traceback__
    while trace is not None:
        line, trace = trace.tb_lineno, trace.tb_next
    return line
