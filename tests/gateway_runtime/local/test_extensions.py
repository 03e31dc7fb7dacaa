"""The kind Extension: definition, code, both in one, and what takes the place of WASM."""

import pytest

from gateway_runtime.local import extensions
from gateway_runtime.local.dump import effective
from tests.gateway_runtime.local.kit import binding, fault, faults, instance, loaded, resource

DEFINITION = """\
extends:
  - name: extension-definition
    namespace: default
  - name: extension-authentication
properties:
  header: {type: string, default: x-stamp, title: Header, security:sensitive: true}
  often: {type: integer}
  note: {type: [string, "null"], default: null}
  share: {type: number, default: 1}
  loud: {type: boolean, default: true}
  names: {type: array, items: {type: string}, default: [a]}
  more: {type: object, properties: {inner: {type: string}}, default: {}}
required: [header, often]
"""
CODE = """\
extends: [{name: stamp-definition}, {name: proxy-wasm-filter}]
rootId: stamp
implementation: base64://AGFzbQEAAAA=
"""
STAMP = resource("Extension", "stamp-definition", DEFINITION)
FLEX = resource("Extension", "stamp-flex", CODE)


def test_definition_and_code_are_read_apart_and_together() -> None:
    both = resource("Extension", "stamp-flex", DEFINITION + CODE.partition("\n")[2])
    for given in ((STAMP, FLEX), (both,)):
        notes = [note.message for note in loaded(instance(), *given).notes if note.key != "spec"]
        assert notes == []


def test_what_is_required_may_be_a_property_of_a_parent() -> None:
    assert loaded(instance(), STAMP, resource("Extension", "stamp-flex", CODE + "required: [often]")).document.apis


def test_a_parent_that_is_not_here_is_told() -> None:
    (note,) = [note for note in loaded(instance(), FLEX).notes if "extends" in note.key]
    assert str(note).endswith("spec.extends[0].name: There is no Extension “stamp-definition” here.")


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("properties: {a: string}", "properties.a: Write a map with the type of this setting."),
        ("properties: {a: {default: b}}", "properties.a.type: This setting is required."),
        ("properties: {a: {type: text}}", "properties.a.type: “text” is not a type. Known are string, integer"),
        ("properties: {a: {type: integer, default: true}}", "properties.a.default: The default is not of the type"),
        ("properties: {a: {type: string, default: 1}}", "properties.a.default: The default is not of the type string."),
        ("properties: {a: {type: array, items: {type: x}}}", "properties.a.items.type: “x” is not a type."),
        ("properties: {a: {type: object, properties: {b: 1}}}", "properties.a.properties.b: Write a map with the type"),
        ("properties: {a: {type: {b: c}}}", "properties.a.type: “{'b': 'c'}” is not a type. Known are string"),
        ("properties: {a: {type: []}}", "properties.a.type: “[]” is not a type. Known are string"),
        ("properties: {a: {type: [string, text]}}", "properties.a.type: “text” is not a type. Known are string"),
        ("properties: {a: {type: [string, integer], default: []}}", "properties.a.default: The default is not of the"),
        ("properties: {a: {type: object, properties: [b]}}", "properties.a.properties: Write a map with a setting"),
        ("required: [a]", "required[0]: “a” is not among the properties."),
        ("extends: [{name: stamp-flex}]", "extends: It extends itself."),
        ("extends: [{nam: a}]", "extends[0].nam: There is no setting “nam”. Did you mean “name”?"),
        ("implementation: oci://x", "implementation: Write the code in base64, with “base64://” in front."),
        ("implementation: 'base64://'", "implementation: Write the code in base64"),
        ("implementation: base64://AGFzb", "implementation: Write the code in base64"),
        ("rootID: a", "rootID: There is no setting “rootID”. Did you mean “rootId”?"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(spec: str, sentence: str) -> None:
    assert fault(resource("Extension", "stamp-flex", spec)).startswith(f"api.yaml:6: spec.{sentence}")


def test_a_circle_of_parents_is_refused_at_each() -> None:
    first = resource("Extension", "a", "extends: [{name: b}]")
    second = resource("Extension", "b", "extends: [{name: a}]")
    assert [each.partition(": ")[2] for each in faults(first, second)] == ["spec.extends: It extends itself."] * 2


class Installed:
    name = "stamp"
    aliases = ()


def test_a_policy_in_python_takes_the_place_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extensions, "custom_definitions", lambda: (Installed,))
    made = loaded(instance(), STAMP, FLEX)
    assert [str(note) for note in made.notes if "WASM" in note.message] == []
    shown = {each["name"]: each["supported"] for each in effective(made)["extensions"]}
    assert (shown["stamp-flex"], shown["stamp-definition"]) == (True, False)


def test_a_binding_to_the_code_alone_is_refused() -> None:
    bound = binding("x", "targetRef: {name: museum}\npolicyRef: {name: stamp-flex}\nconfig: {header: a}")
    assert "spec.policyRef.name: “stamp-flex” is a custom policy." in fault(instance(), STAMP, FLEX, bound)
