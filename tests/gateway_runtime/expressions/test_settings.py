import re
from pathlib import Path
from typing import Annotated, Any

import pytest

from gateway_runtime.expressions.settings import check_expression, check_expressions, compile_for, expression_setting
from gateway_runtime.policies import registry
from gateway_runtime.policies.registry import definition
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.faults import ConfigFault, convert
from gateway_runtime.schema.policy import Category, Handlers, PolicyConfig, PolicyDefinition, setting

from .kit import message

KEY = ExpressionSetting()
CONDITION = ExpressionSetting(gives=Gives.BOOLEAN, variables={"claimSet": Gives.OBJECT})
TEXT = ExpressionSetting(text=True, response=True)


class Header(PolicyConfig, frozen=True):
    """One header."""

    key: Annotated[str, setting("Name", "A name.")]
    value: Annotated[str, expression("Value", "A text.", TEXT)] = ""


class Config(PolicyConfig, frozen=True):
    """Every place an expression can stand in."""

    key_selector: Annotated[str, expression("Key", "A text.", KEY)] = "#[attributes.method]"
    maybe: Annotated[str, expression("Maybe", "A text.", KEY)] | None = None
    or_number: Annotated[int | str, expression("Claim", "A condition or a number.", CONDITION)] = 0
    conditions: Annotated[list[str], expression("Conditions", "Each true.", CONDITION)] = []
    claims: Annotated[dict[str, str], expression("Claims", "Each true.", CONDITION)] = {}
    headers: Annotated[list[Header], setting("Headers", "Some.")] = []
    header: Annotated[Header | None, setting("Header", "One.")] = None
    plain: Annotated[str, setting("Plain", "Not an expression.")] = "#[nothing"


POLICY = PolicyDefinition(
    name="made-up", title="Made up", summary="", category=Category.SECURITY, config=Config,
    build=lambda config, runtime: Handlers(), default_order=1, phases=(), example={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("config", "path", "code", "position", "words"),
    [
        ({"keySelector": "#[attributs.method]"}, "keySelector", "unknown_name", 2, "Did you mean “attributes”?"),
        ({"keySelector": "x-key"}, "keySelector", "not_an_expression", 0, "#[attributes.headers['x-key']]"),
        ({"maybe": "#["}, "maybe", "empty", 2, "missing"),
        ({"orNumber": "#[vars.claimset]"}, "orNumber", "unknown_name", 7, "Did you mean “claimSet”?"),
        ({"conditions": ["#[1 == 1]", "#[1]"]}, "conditions[1]", "wrong_type", 2, "true or false"),
        ({"claims": {"aud": "#[payload]"}}, "claims.aud", "unknown_name", 2, "without the body"),
        (
            {"headers": [{"key": "a", "value": "ok"}, {"key": "b", "value": "x #[attributes.method]"}]},
            "headers[1].value", "unknown_name", 15, "belongs to the request",
        ),
        ({"header": {"key": "a", "value": "#[']"}}, "header.value", "not_closed", 2, "no end"),
    ],
)  # fmt: skip
def test_every_expression_of_a_config_is_checked(
    config: dict[str, Any], path: str, code: str, position: int, words: str
) -> None:
    with pytest.raises(ConfigFault) as caught:
        registry.read_config(POLICY, config)
    fault = caught.value
    assert (fault.path, fault.code, fault.position) == (path, code, position)
    assert fault.message.startswith(f"Character {position + 1}: ")
    assert words in fault.message


def test_right_settings_are_returned_as_they_are() -> None:
    config = {
        "keySelector": "#[attributes.headers['x-key']]",
        "orNumber": "#[vars.claimSet.level == 3]",
        "conditions": ["#[vars.claimSet.aud contains 'x']"],
        "claims": {"sub": "#[vars.claimSet.sub != null]"},
        "headers": [{"key": "a", "value": "status #[attributes.statusCode]"}],
        "header": {"key": "a"},
    }
    assert registry.read_config(POLICY, config) == convert(config, Config)
    assert registry.read_config(POLICY, {}) == Config()
    assert registry.read_config(POLICY, {"orNumber": 5}).or_number == 5  # type: ignore[attr-defined]


def test_faults_of_other_kinds_come_first() -> None:
    with pytest.raises(ConfigFault, match="There is no setting “keySelektor”"):
        registry.read_config(POLICY, {"keySelektor": "#["})


def test_a_wrong_default_is_found() -> None:
    class Wrong(PolicyConfig, frozen=True):
        key: Annotated[str, expression("Key", "A text.", KEY)] = "#[attributes.metod]"

    with pytest.raises(ConfigFault, match="metod"):
        check_expressions(Wrong())


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("keySelector", KEY), ("maybe", KEY), ("orNumber", CONDITION), ("conditions[0]", CONDITION),
        ("conditions", CONDITION), ("claims[...]", CONDITION), ("headers[3].value", TEXT), ("header.value", TEXT),
        ("headers[3].key", None), ("plain", None), ("nothing", None), ("headers", None), ("plain.x", None),
        ("conditions[0].x", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_setting_takes_is_found_by_its_path(path: str, takes: ExpressionSetting | None) -> None:
    assert expression_setting(Config, path) == takes


def test_an_expression_can_be_checked_while_it_is_written() -> None:
    registry.check_setting(POLICY, "headers[0].value", "status #[attributes.statusCode]")
    with pytest.raises(ConfigFault) as caught:
        registry.check_setting(POLICY, "headers[0].value", "status #[attributes.statuscode]")
    assert caught.value.position == 20
    assert "“statusCode”" in caught.value.message
    with pytest.raises(ConfigFault, match="takes no expression"):
        registry.check_setting(definition("rate-limiting"), "rateLimits[0].maximumRequests", "#[1]")


def test_what_is_checked_is_what_is_compiled() -> None:
    check_expression(TEXT, "#[attributes.statusCode]")
    context = message()
    context.response_status = 204
    assert compile_for(TEXT, "#[attributes.statusCode]").evaluate(context) == "204"


def test_the_schema_tells_that_a_setting_takes_an_expression() -> None:
    import msgspec

    properties = msgspec.json.schema(Config)["$defs"]["Config"]["properties"]
    assert properties["keySelector"]["format"] == "dataweaveExpression"
    assert "format" not in properties["plain"]


def test_settings_of_policies_are_read_in_one_place() -> None:
    """Who decoded them by their type alone would take expressions that nobody has looked at."""
    root = Path(__file__).parents[3]
    decoding = re.compile(r"\bconvert\([^()]*(\([^()]*\)[^()]*)*\.config\)")
    found = [
        str(path.relative_to(root))
        for plane in ("portal", "gateway_runtime")
        for path in (root / plane).rglob("*.py")
        if decoding.search(path.read_text(encoding="utf-8"))
    ]
    # The rules look at the definition of a policy, whose example is no setting of anybody.
    assert sorted(found) == ["gateway_runtime/policies/registry.py", "gateway_runtime/policies/rules.py"]
