"""Where files lie, how long they are, and that pages load nothing from elsewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("portal", "gateway_runtime", "tests", "static", "templates")
SUFFIXES = {".py", ".js", ".css", ".html"}
# A stylesheet is one list of rules, so it may be longer than code.
LONGEST = {".py": 400, ".js": 400, ".html": 400, ".css": 700}
# Words for kinds of tests, where a file is not named after what it tests.
KINDS = {"base", "differential", "properties"}
# Names that say nothing about what is inside.
NAMELESS = re.compile(r"(utils?|helpers?|misc|common|manager|stuff)(_\w+)?", re.IGNORECASE)
# A link that is followed by a click is fine; what a page loads by itself comes from here.
LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source|video|audio|embed|object|form)\b[^>]*?"""
    r"""\b(?:src|href|data|action|srcset)\s*=\s*["']?\s*(?:https?:)?//""",
    re.IGNORECASE,
)
INLINE = re.compile(r"""<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*["']|href\s*=\s*["']javascript:""", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc=)(?![^>]*\btype=[\"']application/(?:json|ld\+json)[\"'])", re.IGNORECASE)


def files(*suffixes: str) -> list[Path]:
    """Return our own files, without migrations and what is built."""
    wanted = set(suffixes) or SUFFIXES
    return sorted(
        path
        for source in SOURCES
        for path in (ROOT / source).rglob("*")
        if path.is_file() and path.suffix in wanted and not {"migrations", "__pycache__"} & {*path.parts}
    )


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """Return “file:line: text” of every occurrence."""
    return [
        f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match.group(0).strip()}"
        for path in paths
        for text in [path.read_text(encoding="utf-8")]
        for match in pattern.finditer(text)
    ]


def test_files_are_short() -> None:
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in files()}
    assert not {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > LONGEST[path.suffix]}


def test_files_are_named_after_what_they_hold() -> None:
    assert not [str(path.relative_to(ROOT)) for path in files(".py", ".js") if NAMELESS.fullmatch(path.stem)]


def test_pages_load_nothing_from_elsewhere() -> None:
    assert not found(LOADED, files(".html"))


def test_styles_load_nothing_from_elsewhere() -> None:
    elsewhere = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])\s*(?:https?:)?//""", re.IGNORECASE)
    assert not found(elsewhere, files(".css"))


def test_pages_hold_no_inline_script_or_style() -> None:
    # Mail programs know no style sheets.
    assert not found(INLINE, [path for path in files(".html") if path.parent != ROOT / "templates" / "email"])
    assert not found(SCRIPT, files(".html"))


def test_every_package_of_tests_mirrors_one_of_the_product() -> None:
    for plane in ("portal", "gateway_runtime"):
        tested = {
            path.relative_to(ROOT / "tests" / plane).parent for path in (ROOT / "tests" / plane).rglob("test_*.py")
        }
        assert not {str(folder) for folder in tested if not (ROOT / plane / folder).is_dir()}


@pytest.mark.parametrize("plane", ["portal", "gateway_runtime"])
def test_every_test_file_is_named_after_something_that_exists(plane: str) -> None:
    """At least one word of `test_role_services.py` is a word of its half of the product."""
    sources = [path for path in (ROOT / plane).rglob("*.py") if "migrations" not in path.parts]
    text = " ".join(f"{path.stem} {path.read_text(encoding='utf-8')}" for path in sources)
    known = {*re.findall(r"[a-z]+", text.lower())} | KINDS
    strays = []
    for path in (ROOT / "tests" / plane).rglob("test_*.py"):
        words = {*path.stem.removeprefix("test_").split("_")}
        if not {form for word in words for form in (word, word.rstrip("s"), f"{word}s")} & known:
            strays.append(str(path.relative_to(ROOT)))
    assert not strays


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for source in ("portal", "gateway_runtime")
        for path in (ROOT / source).rglob("*.py")
        if not {"migrations", "management", "templatetags"} & {*path.parts}
        and (text := path.read_text(encoding="utf-8").lstrip())
        and not text.startswith(('"""', 'r"""', "#!"))
    ]
    assert not silent
