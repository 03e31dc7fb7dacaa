"""The page “Environment variables” has every variable that the code reads, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gateway_runtime.options import PREFIX, _parser
from portal.docs import library

ROOT = Path(__file__).parents[3]
PAGE = library.pages()["reference", "environment-variables"].text
# Rows of the page's tables: what stands in the first cell, and the rest of the row.
ROWS = re.findall(r"^\| (`[A-Z].*?) \| (.*) \|$", PAGE, re.MULTILINE)
VARIABLE = re.compile(r"(?:PORTICO|FLEX|OTEL)_[A-Z_]+|DATABASE_URL|REDIS_URL|NO_COLOR|DJANGO_SETTINGS_MODULE")
READERS = {
    "env_str", "env_bool", "env_int", "env_list", "env_path", "env_address", "env_url", "env_secret",
    "redis_url", "database_from_url",
}  # fmt: skip
SECRET_READERS = {"env_secret", "redis_url", "database_from_url"}
# The one name that is put together where it is read.
ENDPOINTS = {f"PORTICO_OIDC_{name}_ENDPOINT" for name in ("AUTHORIZATION", "TOKEN", "USERINFO", "JWKS")}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the syntax tree of every module of portal, gateway and launcher."""
    for path in [ROOT / "manage.py", *(ROOT / "portal").rglob("*.py"), *(ROOT / "gateway_runtime").rglob("*.py")]:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def reads() -> list[tuple[str, ast.Call]]:
    """Return (reader, call) of every call of a reader of `portal.env`, but those in it."""
    return [
        (node.func.id, node)
        for path, tree in trees()
        if path != ROOT / "portal" / "env.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS
    ]


def read_by_the_code() -> set[str]:
    """Return every variable that stands in the code as a text of its own, and the gateway's flags as variables."""
    spelled = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    }
    flags = {PREFIX + action.dest.upper() for action in _parser()._actions if action.dest != "help"}
    names = {name.removesuffix("_FILE") for name in spelled if not name.endswith("_")}
    return names | flags | ENDPOINTS


def on_the_page() -> dict[str, str]:
    """Return the rows by variable; one row may have several."""
    return {name: f"{cell} | {rest}" for cell, rest in ROWS for name in re.findall(r"`([A-Z_]+)`", cell)}


def test_the_page_has_every_variable_and_no_other() -> None:
    assert set(on_the_page()) == read_by_the_code()


def test_names_are_only_put_together_where_this_test_knows() -> None:
    built = [ast.unparse(call.args[0]) for _, call in reads() if not isinstance(call.args[0], ast.Constant)]
    assert built == ["f'PORTICO_OIDC_{name.upper()}_ENDPOINT'"]


def test_defaults_on_the_page_are_those_of_the_code() -> None:
    rows, wrong = on_the_page(), []
    for _, call in reads():
        default = next((word.value for word in call.keywords if word.arg == "default"), None)
        if not isinstance(default, ast.Constant) or not isinstance(call.args[0], ast.Constant) or default.value == "":
            continue
        value = {True: "yes", False: "no"}[default.value] if isinstance(default.value, bool) else str(default.value)
        if f"`{value}`" not in rows[str(call.args[0].value)]:
            wrong.append((call.args[0].value, value))
    assert wrong == []


def test_the_page_says_which_can_come_from_a_file() -> None:
    secret = {str(call.args[0].value) for name, call in reads() if name in SECRET_READERS}  # type: ignore[attr-defined]
    assert {name for name, row in on_the_page().items() if "`…_FILE`" in row.partition("|")[0]} == secret


def test_single_sign_on_is_told_in_the_same_words_in_its_guide() -> None:
    guide = library.pages()["guides", "sign-on-with-openid-connect"].text
    named = {name for name in on_the_page() if name.startswith("PORTICO_OIDC_")}
    assert {name for name in named if f"`{name}`" not in guide} == set()
