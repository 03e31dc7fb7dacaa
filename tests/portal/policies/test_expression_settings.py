"""Settings that take an expression: in the form, by REST and in files the same words at the same place."""

import re
from typing import Annotated, Any

import pytest

from gateway_runtime.consumers.index import ApiConsumers, Directory
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.place import Place
from gateway_runtime.local.policies import read_config
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.registry import read_config as read_policy_config
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.runtime import BindingRuntime
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import Category, Handlers, PolicyConfig, PolicyDefinition, Refusal, setting
from gateway_runtime.testing import request
from portal.core.errors import ApplicationError
from portal.docs import library
from portal.docs.settings_table import setting_rows
from portal.policies.forms import PolicyForm
from portal.policies.schemas import config_schema
from portal.policies.settings import settings_check


class Header(PolicyConfig, frozen=True):
    """One header."""

    key: Annotated[str, setting("Name", "A name.")]
    value: Annotated[str, expression("Value", "What it says.", ExpressionSetting(text=True))]


class Config(PolicyConfig, frozen=True):
    """A key and headers."""

    key_selector: Annotated[
        str,
        expression("Key", "What is counted by.", placeholder="#[attributes.headers['x-key']]"),
    ] = "#[attributes.method]"
    only_if: Annotated[str | None, expression("Condition", "When it acts.", ExpressionSetting(gives=Gives.BOOLEAN))] = (
        None
    )
    headers: Annotated[list[Header], setting("Headers", "What is added.")] = []
    told: Annotated[str, expression("Told", "What is sent back.", ExpressionSetting(response=True, text=True))] = ""
    script: Annotated[
        str | None,
        expression("Script", "What is made.", ExpressionSetting(gives=Gives.OBJECT, script=True, payload=True)),
    ] = None


POLICY = PolicyDefinition(
    name="made-up", title="Made up", summary="", category=Category.SECURITY, config=Config,
    build=lambda config, runtime: Handlers(), default_order=1, phases=(), example={},
)  # fmt: skip
MISTAKES = [
    (
        {"keySelector": "#[attributs.method]"},
        "keySelector",
        "Character 3: There is no “attributs”. Did you mean “attributes”?",
    ),
    (
        {"keySelector": "#[attributes.method]", "onlyIf": "#[attributes.method]"},
        "onlyIf",
        "Character 14: This setting needs true or false, but the expression gives a text.",
    ),
    (
        {"keySelector": "#['a']", "headers": [{"key": "a", "value": "b"}, {"key": "a", "value": "#['b"}]},
        "headers[1].value",
        "Character 3: This text has no end. Write ' after it.",
    ),
]
every_mistake = pytest.mark.parametrize(("config", "path", "words"), MISTAKES, ids=[path for _, path, _ in MISTAKES])


def posted(config: dict) -> dict[str, str]:
    found = {name: value for name, value in config.items() if isinstance(value, str)}
    for index, header in enumerate(config.get("headers", [])):
        found |= {f"headers.{index}.{name}": value for name, value in header.items()}
    return found


@every_mistake
def test_the_form_says_it_at_the_field(config: dict, path: str, words: str) -> None:
    form = PolicyForm(posted(config), definition=POLICY)
    assert not form.is_valid()
    assert form.errors == {path.replace("[", ".").replace("]", ""): [words]}


@every_mistake
def test_rest_says_it_with_the_path(config: dict, path: str, words: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        settings_check(POLICY, config)
    assert caught.value.fields == {f"config.{path.replace('[', '.').replace(']', '')}": words}


@every_mistake
def test_a_file_says_it_with_the_line(config: dict, path: str, words: str) -> None:
    place = Place("a.yaml", {(): 1, ("config",): 4, ("config", "keySelector"): 5}, ("config",))
    with pytest.raises(FileFault) as caught:
        read_config(POLICY, config, place)
    fault = caught.value
    assert (fault.message, fault.key) == (words, f"config.{path}")
    assert fault.line == (5 if path == "keySelector" else 4)


def test_a_right_form_gives_the_settings() -> None:
    config = {"keySelector": "#[attributes.headers['x-key']]", "headers": [{"key": "a", "value": "#[1] b"}]}
    form = PolicyForm(posted(config), definition=POLICY)
    assert form.is_valid(), form.errors
    assert form.config == {**config, "told": ""}


def test_the_form_says_what_an_expression_gives() -> None:
    form = PolicyForm({"headers.0.key": "a", "headers.0.value": "b"}, definition=POLICY)
    fields = form.fields
    assert fields["keySelector"].help_text == "What is counted by. This is an expression “#[…]” that gives a text."
    assert fields["onlyIf"].help_text == "When it acts. This is an expression “#[…]” that gives true or false."
    assert fields["headers.0.value"].help_text == "What it says. This is text, which may hold expressions “#[…]”."
    told = "What is sent back. This is text, which may hold expressions “#[…]”, evaluated with the response."
    assert fields["told"].help_text == told
    assert 'data-expression="boolean"' in str(form["onlyIf"])
    assert "#[attributes.headers[&#x27;x-key&#x27;]]" in str(form["keySelector"])
    assert "data-expression" not in str(form["headers.0.key"])


def test_an_expression_has_room_for_lines_and_text_for_one_line() -> None:
    form = PolicyForm({"headers.0.key": "a", "headers.0.value": "b"}, definition=POLICY)
    assert str(form["keySelector"]).startswith("<textarea")
    assert str(form["headers.0.value"]).startswith("<input")
    lines = PolicyForm(posted({"keySelector": "#[if (1 == 1)\r\n  'a'\r\nelse 'b']"}), definition=POLICY)
    assert lines.is_valid(), lines.errors


def test_the_documentation_and_the_schema_say_it_too() -> None:
    rows = {row.name: row.values for row in setting_rows(Config)}
    assert rows["onlyIf"] == "an expression “#[…]” that gives true or false"
    assert rows["headers[].key"] == "text"
    assert config_schema(POLICY)["properties"]["keySelector"]["format"] == "dataweaveExpression"


def test_the_guide_shows_how_a_policy_uses_it() -> None:
    (source,) = re.findall(r"```py\n(.*?)```", library.pages()["guides", "write-a-policy"].text, re.DOTALL)
    counted: list[str | None] = []
    known = {
        "Annotated": Annotated, "PolicyConfig": PolicyConfig, "PolicyRuntime": PolicyRuntime, "Handlers": Handlers,
        "RequestContext": RequestContext, "Response": Response, "count": counted.append,
    }  # fmt: skip
    exec(source, known)
    config: Any = known["Config"]()
    made = PolicyDefinition(
        name="made-up", title="Made up", summary="", category=Category.SECURITY, config=known["Config"],
        build=known["build"], default_order=1, phases=(), example={},
        refusals=(Refusal(code="key_failed", status=500, title="Key", detail="No key."),),
    )  # fmt: skip
    runtime = BindingRuntime(
        api="a", binding="b", definition=made, consumers=ApiConsumers(Directory(), ()), clock=lambda: 0.0, kept={}
    )
    check = made.build(read_policy_config(made, {}), runtime).request_headers
    assert check is not None
    assert config == read_policy_config(made, {})
    assert check(request()) is None
    assert check(request(headers={"x-key": "K1"})) is None
    assert counted == ["192.0.2.1", "K1"]


def test_a_script_has_room_and_keeps_its_places_whatever_the_browser_ends_lines_with() -> None:
    right = {"keySelector": "#[attributes.method]", "script": "%dw 2.0\r\n---\r\n{a: payload.id}"}
    form = PolicyForm(posted(right), definition=POLICY)
    assert form.is_valid(), form.errors
    assert form.config["script"] == "%dw 2.0\n---\n{a: payload.id}"
    assert form.fields["script"].widget.attrs["rows"] == 10
    wrong = PolicyForm(posted({**right, "script": "%dw 2.0\r\n---\r\n{a: paylaod.id}"}), definition=POLICY)
    assert not wrong.is_valid()
    assert "Character 17: There is no “paylaod”" in str(wrong.errors["script"])
