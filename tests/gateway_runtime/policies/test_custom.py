"""Policies of the operator: found in a folder and in packages, and refused by a sentence where they cannot be used."""

import sys
from pathlib import Path

import pytest

from gateway_runtime.policies.custom import Custom, find_custom
from gateway_runtime.policies.registry import definition
from gateway_runtime.testing import policy_case, request

TEMPLATE = Path(__file__).parents[3] / "portal" / "cli" / "templates" / "policy.py.txt"
BUILT_IN = (definition("rate-limiting"),)


def source(name: str = "office-hours") -> str:
    words = {"NAME": name, "MODULE": name.replace("-", "_"), "TITLE": name.replace("-", " ").capitalize()}
    text = TEMPLATE.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"{{{{{word}}}}}", value)
    return text


def found(folder: Path, **files: str) -> Custom:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return find_custom(BUILT_IN, {"PORTICO_POLICIES": str(folder)})


def test_without_a_folder_there_are_none() -> None:
    assert find_custom(BUILT_IN, {}) == Custom()


def test_a_file_of_the_folder_is_a_policy_that_works(tmp_path: Path) -> None:
    custom = found(tmp_path, office_hours=source())
    assert custom.faults == ()
    (policy,) = custom.definitions
    assert policy.name == "office-hours"
    assert policy_case(policy).send(request()).code == "office_hours_refused"  # type: ignore[union-attr]
    assert policy_case(policy, {"header": "X-Key"}).send(request(headers={"x-key": ""})) is None


def test_tests_and_parts_are_no_policies(tmp_path: Path) -> None:
    assert found(tmp_path, test_office_hours="nonsense(", _shared="nonsense(", conftest="nonsense(") == Custom()


def test_a_custom_file_hides_no_module_of_the_same_name(tmp_path: Path) -> None:
    import json

    assert found(tmp_path, json=source("json-policy")).faults == ()
    assert sys.modules["json"] is json


def refused(folder: Path, text: str) -> str:
    """Return why a file cannot be used."""
    custom = found(folder, office_hours=text)
    assert custom.definitions == ()
    (fault,) = custom.faults
    begin = f"The custom policy {folder / 'office_hours.py'} cannot be used: "
    assert fault.startswith(begin)
    return fault.removeprefix(begin)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def broken(:\n", "SyntaxError: invalid syntax (office_hours.py, line 1) (line 1)."),
        ("\n\nraise RuntimeError('no licence')\n", "RuntimeError: no licence (line 3)."),
        ("\nimport a_package_of_nobody\n", "ModuleNotFoundError: No module named 'a_package_of_nobody' (line 2)."),
        ("raise SystemExit(1)\n", "SystemExit: 1 (line 1)."),
        ("x = 1\n", "it has no DEFINITION that is a PolicyDefinition."),
        ("DEFINITION = object()\n", "it has no DEFINITION that is a PolicyDefinition."),
        (source("rate-limiting"), "the name “rate-limiting” belongs to a policy of Portico already."),
    ],
)
def test_what_cannot_be_used_is_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    assert refused(tmp_path, text) == reason


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (
            "office_hours_refused",
            "rate_limit_exceeded",
            "the code “rate_limit_exceeded” belongs to a policy of Portico",
        ),
        ('name="office-hours"', 'name="Office Hours"', "its name “Office Hours” is not made of small letters"),
        ('"Lets requests pass that carry a header."', '""', "it needs a title, and a summary that is a sentence."),
        ("must carry.", "must carry", "its setting “header” needs a title, and a help that is a sentence."),
        ("max_length=100", "only_with='kind=a'", "its setting “header” is only with “kind=a”, which no setting beside"),
        ("frozen=True)", "frozen=False)", "its settings Config are no frozen PolicyConfig."),
        ('{"header"', '{"headers"', "its example is wrong at “headers”: There is no setting “headers”. Did you mean"),
        ("status=403", "status=200", "has the status 200, which is none of 400 to 599."),
        ("| 403 |", "| 401 |", "its refusal “office_hours_refused” has no row"),
        ("# Office hours", "# Hours", "its documentation does not begin with “# Office hours”."),
        ("## Example", "## Samples", "its documentation has no section “## Example”."),
        ("config=Config", "config=dict", "its settings are no PolicyConfig."),
    ],
)
def test_a_rule_that_is_broken_is_named(tmp_path: Path, before: str, after: str, reason: str) -> None:
    text = source()
    assert before in text
    assert reason in refused(tmp_path, text.replace(before, after))


def test_a_secret_inside_another_setting_is_refused(tmp_path: Path) -> None:
    key = '    key: Annotated[str, setting("Key", "It.", secret=True)]'
    inner = f"class Inner(PolicyConfig, frozen=True):\n    pass\n\n{key}\n"
    settings = '    inner: Annotated[list[Inner], setting("Inner", "Them.")] = []\n    header: Annotated['
    text = source().replace("class Config(", f"{inner}\n\nclass Config(").replace("    header: Annotated[", settings)
    assert refused(tmp_path, text) == "its setting “key” is secret inside another one. Make the outer one secret."


def test_one_that_cannot_be_used_leaves_the_others(tmp_path: Path) -> None:
    custom = found(tmp_path, broken="1 / 0", office_hours=source())
    assert [policy.name for policy in custom.definitions] == ["office-hours"]
    assert len(custom.faults) == 1


def test_two_of_one_name_are_not_both_used(tmp_path: Path) -> None:
    custom = found(tmp_path, a=source(), b=source())
    assert len(custom.definitions) == 1
    assert f"the name “office-hours” belongs to {tmp_path / 'a.py'} already." in custom.faults[0]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    (fault,) = find_custom(BUILT_IN, {"PORTICO_POLICIES": str(tmp_path / "none")}).faults
    assert "it is not there" in fault


@pytest.mark.parametrize("value", ["acme_office", "acme_office:DEFINITION"])
def test_a_package_adds_a_policy_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    (tmp_path / "acme_office.py").write_text(source("acme-office"), encoding="utf-8")
    about = tmp_path / "acme-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    lines = f"[portico.policies]\noffice = {value}\nbroken = acme_missing\n"
    (about / "entry_points.txt").write_text(lines, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    custom = find_custom(BUILT_IN, {})
    assert [policy.name for policy in custom.definitions] == ["acme-office"]
    (fault,) = custom.faults
    assert fault.startswith("The custom policy “broken” of the package acme cannot be used: ModuleNotFoundError")
    sys.modules.pop("acme_office", None)
