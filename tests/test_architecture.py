"""The import rules of the house. A rule that has to change is changed here, in the same commit as the code."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# An app imports only from its left; apps of one group do not import each other.
APPS = (
    ("core",), ("audit",), ("accounts",), ("organizations",), ("catalog",), ("gateways",), ("apis",), ("contracts",),
    ("policies",), ("publishing",), ("transfers",), ("traces",), ("analytics", "governance"), ("alerts",),
    ("landscape",), ("hub",), ("docs",), ("demo",), ("cli",),
)  # fmt: skip
LEVEL = {app: level for level, group in enumerate(APPS) for app in group}
# Modules of the portal itself that every app may use.
SHARED = {"portal.env", "portal.celery"}
OF_THE_RUNTIME = (
    "gateway_runtime.schema", "gateway_runtime.policies.registry", "gateway_runtime.decide",
    "gateway_runtime.declarative", "gateway_runtime.checks",
)  # fmt: skip
REDIS_NAME = re.compile(r"portico:[a-z]")
NOT_IN_THE_RUNTIME = {"django", "rest_framework", "celery", "kombu", "portal"}
# What only reads and writes knows nothing of who asks.
ASKERS = {"views", "api", "forms", "tables", "filters", "urls", "management", "panels", "navigation"}


@cache
def modules(package: str) -> tuple[tuple[str, Path], ...]:
    """Return (dotted name, path) of every module of a package, without migrations."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return tuple(
        (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path)
        for path in paths
        if "migrations" not in path.parts
    )


@cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(name: str, path: Path) -> Iterator[str]:
    """Yield the dotted name of everything a module imports, also inside functions."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(imported: str, *packages: str) -> bool:
    """Tell whether a name is one of the packages or lies in one."""
    return any(imported == package or imported.startswith(f"{package}.") for package in packages)


def broken(package: str, rule) -> list[str]:
    """Return “module imports name” for every import that the rule (module, imported) calls wrong."""
    return sorted(
        f"{name} imports {imported}"
        for name, path in modules(package)
        for imported in imports(name, path)
        if rule(name, imported)
    )


def test_gateway_needs_nothing_of_the_portal() -> None:
    assert not broken("gateway_runtime", lambda name, imported: imported.partition(".")[0] in NOT_IN_THE_RUNTIME)


def test_portal_uses_only_the_open_parts_of_the_gateway() -> None:
    def wrong(name: str, imported: str) -> bool:
        return within(imported, "gateway_runtime") and not within(imported, *OF_THE_RUNTIME)

    assert not broken("portal", wrong)


def test_schema_can_be_read_by_both_planes() -> None:
    allowed = sys.stdlib_module_names | {"msgspec", "cryptography"}

    def wrong(name: str, imported: str) -> bool:
        if not within(name, "gateway_runtime.schema"):
            return False
        return not within(imported, "gateway_runtime.schema") and imported.partition(".")[0] not in allowed

    assert not broken("gateway_runtime", wrong)


def test_every_app_has_its_place() -> None:
    apps = {path.parent.name for path in (ROOT / "portal").glob("*/__init__.py")}
    assert apps <= set(LEVEL)


def test_apps_import_only_from_lower_apps() -> None:
    def wrong(name: str, imported: str) -> bool:
        app = name.split(".")[1] if name.count(".") else ""
        if app not in LEVEL or not within(imported, "portal"):
            return False
        other = imported.split(".")[1]
        if other in LEVEL:
            return other != app and LEVEL[other] >= LEVEL[app]
        return not within(imported, *SHARED)

    assert not broken("portal", wrong)


@pytest.mark.parametrize("layer", ["models", "selectors", "services"])
def test_inner_layers_do_not_know_who_asks(layer: str) -> None:
    def wrong(name: str, imported: str) -> bool:
        if name.rpartition(".")[2] != layer or within(imported, "portal.core"):
            return False
        return within(imported, "portal") and bool(ASKERS & {*imported.split(".")})

    assert not broken("portal", wrong)


def test_policies_see_the_context_alone() -> None:
    outside = ("gateway_runtime.http", "gateway_runtime.upstream", "gateway_runtime.configuration", "redis", "asyncio")

    def wrong(name: str, imported: str) -> bool:
        return within(name, "gateway_runtime.policies") and within(imported, *outside)

    assert not broken("gateway_runtime", wrong)


def test_redis_names_are_spelled_in_one_place() -> None:
    spelled = [
        f"{name}: {node.value!r}"
        for package in ("gateway_runtime", "portal")
        for name, path in modules(package)
        # The cache's prefix is Django's affair and shares no name with the gateway.
        if name not in ("gateway_runtime.schema.keys", "portal.settings")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and REDIS_NAME.match(node.value)
    ]
    assert not spelled


def test_pages_and_endpoints_never_start_from_all_rows() -> None:
    """They start from `visible_to`. A `ScopedRelatedField` limits its rows by itself."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for name, path in modules("portal")
        if {"views", "api"} & {*name.split(".")} or name.endswith(("_views", "_api"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ".objects.all()" in line and "ScopedRelatedField(" not in line
    ]
    assert not found


def test_domain_has_one_signal() -> None:
    made = [
        name
        for name, path in modules("portal")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Signal"
    ]
    assert made == ["portal.gateways.signals"]
