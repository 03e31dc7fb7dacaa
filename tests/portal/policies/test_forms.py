"""The form made from a definition: every registered policy, and each kind of setting."""

import dataclasses
import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from gateway_runtime.policies.registry import all_definitions, definition
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, setting
from portal.core.setting_forms.outline import outline
from portal.core.setting_forms.posted import posted_again
from portal.policies.forms import PolicyForm
from portal.policies.posted import form_data
from tests.portal.policies.marked import MARK, marked

POLICIES = all_definitions()
by_name = pytest.mark.parametrize("policy", POLICIES, ids=[policy.name for policy in POLICIES])


@by_name
def test_form_accepts_the_example_and_gives_exactly_the_same_settings(policy: PolicyDefinition) -> None:
    form = PolicyForm(form_data(policy, policy.example), definition=policy)
    assert form.is_valid(), form.errors
    shown = {name: form.config[name] for name in policy.example}
    assert shown == policy.example
    assert msgspec.convert(form.config, policy.config) == msgspec.convert(policy.example, policy.config)


@by_name
def test_every_setting_has_a_label_and_help(policy: PolicyDefinition) -> None:
    form = PolicyForm(form_data(policy, policy.example), definition=policy)
    assert form.fields
    for name, field in form.fields.items():
        assert field.label, name
        assert field.help_text, name


@by_name
def test_no_secret_of_the_example_is_drawn(policy: PolicyDefinition) -> None:
    assert MARK not in PolicyForm(definition=policy, config=marked(policy)).as_p()


def limits_form(data: dict[str, Any]) -> PolicyForm:
    return PolicyForm(
        {"algorithm": "fixed-window", "timeZone": "UTC", "key": "api", "_when.mode": "enforce", **data},
        definition=definition("rate-limiting"),
    )


def test_blank_rows_are_left_out_and_the_others_keep_their_errors() -> None:
    form = limits_form(
        {
            "rateLimits.2.maximumRequests": "",
            "rateLimits.2.timePeriodInMilliseconds": "",
            "rateLimits.5.maximumRequests": "0",
            "rateLimits.5.timePeriodInMilliseconds": "1000",
        }
    )
    assert not form.is_valid()
    assert list(form.errors) == ["rateLimits.0.maximumRequests"]


def test_rows_may_be_sent_with_any_numbers() -> None:
    form = limits_form(
        {
            "rateLimits.10.maximumRequests": "2",
            "rateLimits.10.timePeriodInMilliseconds": "2000",
            "rateLimits.9.maximumRequests": "1",
            "rateLimits.9.timePeriodInMilliseconds": "1000",
        }
    )
    assert form.is_valid(), form.errors
    assert [row["maximumRequests"] for row in form.config["rateLimits"]] == [1, 2]


def test_a_required_list_shows_one_empty_row_with_its_error() -> None:
    form = limits_form({})
    assert not form.is_valid()
    assert "rateLimits.0.maximumRequests" in form.errors


def test_fault_of_a_row_as_a_whole_stands_at_the_row() -> None:
    policy = definition("header-injection")
    form = PolicyForm({"inboundHeaders.0.key": "content-length", "inboundHeaders.0.value": "1"}, definition=policy)
    assert not form.is_valid()
    row = form.shown()[0].parts[0]
    assert "content-length" in row.errors[0]
    assert "content-length" in form.non_field_errors()[0]


def test_fault_of_the_settings_as_a_whole_stands_at_the_top() -> None:
    form = PolicyForm({}, definition=definition("header-injection"))
    assert not form.is_valid()
    assert "at least one" in form.non_field_errors()[0]


def test_kept_secret_may_be_left_empty() -> None:
    policy = definition("http-basic-authentication")
    data = {"username": "w", "password": ""}
    assert not PolicyForm(data, definition=policy).is_valid()
    form = PolicyForm(data, definition=policy, kept={"password": "old"})
    assert form.is_valid(), form.errors
    assert "old" not in form.as_p()
    assert "keep" in form.fields["password"].help_text


def test_rows_are_added_and_removed_without_javascript() -> None:
    policy = definition("rate-limiting")
    data = {
        "key": "application",
        "rateLimits.0.maximumRequests": "1",
        "rateLimits.0.timePeriodInMilliseconds": "",
        "rateLimits.1.maximumRequests": "7",
        "rateLimits.1.timePeriodInMilliseconds": "abc",
    }
    more = PolicyForm(
        definition=policy, config=posted_again(outline(policy.config), {**data, "_add_row": "rateLimits"})
    )
    assert more["rateLimits.1.timePeriodInMilliseconds"].value() == "abc"
    assert "rateLimits.2.maximumRequests" in more.fields
    assert more["key"].value() == "application"
    less = PolicyForm(
        definition=policy, config=posted_again(outline(policy.config), {**data, "_remove_row": "rateLimits.0"})
    )
    assert less["rateLimits.0.maximumRequests"].value() == "7"
    assert "rateLimits.1.maximumRequests" not in less.fields


class Colour(enum.StrEnum):
    RED = "red"
    DARK_BLUE = "darkBlue"


class Inner(PolicyConfig):
    depth: Annotated[int, setting("Depth", "How deep.", ge=0)] = 3
    name: Annotated[str, setting("Name", "Its name.")] = ""


class Everything(PolicyConfig):
    flag: Annotated[bool, setting("Flag", "On or off.")] = True
    count: Annotated[int, setting("Count", "How many.", gt=0, lt=10)] = 5
    ratio: Annotated[float, setting("Ratio", "How much.", ge=0, le=1)] = 0.5
    colour: Annotated[Colour, setting("Colour", "Which one.")] = Colour.RED
    mode: Annotated[Literal["a", "b"], setting("Mode", "Which way.")] = "a"
    words: Annotated[list[str], setting("Words", "Some words.", max_length=3)] = []
    numbers: Annotated[list[int], setting("Numbers", "Some numbers.")] = []
    inner: Annotated[Inner, setting("Inner", "Belongs together.")] = Inner()
    maybe: Annotated[int | None, setting("Maybe", "Perhaps a number.")] = None
    free: Annotated[dict[str, Any], setting("Free", "Anything.")] = {}


EVERYTHING = PolicyDefinition(
    name="everything",
    title="Everything",
    summary="One of each.",
    category=Category.SECURITY,
    config=Everything,
    build=lambda config, runtime: Handlers(),
    default_order=1,
    phases=(Phase.REQUEST_HEADERS,),
    example={},
)


def everything(**changes: Any) -> PolicyForm:
    data = {**form_data(EVERYTHING, {}), **changes}
    return PolicyForm({name: value for name, value in data.items() if value is not None}, definition=EVERYTHING)


def test_defaults_are_filled_in_and_come_back() -> None:
    form = PolicyForm(definition=EVERYTHING)
    assert form["count"].value() == 5
    assert form["flag"].value() is True
    assert form["inner.depth"].value() == 3
    sent = everything()
    assert sent.is_valid(), sent.errors
    assert msgspec.convert(sent.config, Everything) == Everything()
    assert "maybe" not in sent.config


def test_each_kind_of_setting_is_read() -> None:
    form = everything(
        **{
            "flag": None,
            "count": "7",
            "ratio": "0.25",
            "colour": "darkBlue",
            "mode": "b",
            "words": "one\r\n\r\n two \r\n",
            "numbers": "1\n2",
            "inner.depth": "9",
            "inner.name": "x",
            "maybe": "4",
            "free": '{"a": 1}',
        }
    )
    assert form.is_valid(), form.errors
    assert form.config == {
        "flag": False,
        "count": 7,
        "ratio": 0.25,
        "colour": "darkBlue",
        "mode": "b",
        "words": ["one", "two"],
        "numbers": [1, 2],
        "inner": {"depth": 9, "name": "x"},
        "maybe": 4,
        "free": {"a": 1},
    }


def test_limits_and_choices_are_checked_beside_each_field() -> None:
    form = everything(**{"count": "10", "ratio": "2", "mode": "c", "inner.depth": "-1"})
    assert not form.is_valid()
    assert set(form.errors) == {"count", "ratio", "mode", "inner.depth"}


def test_fault_inside_a_list_of_lines_stands_at_the_list() -> None:
    form = everything(numbers="1\nx")
    assert not form.is_valid()
    assert form.errors["numbers"][0].startswith("Line 2: ")


def test_choices_read_as_words() -> None:
    assert ("darkBlue", "Dark blue") in PolicyForm(definition=EVERYTHING).fields["colour"].choices


class Leaf(PolicyConfig, frozen=True):
    word: Annotated[str, setting("Word", "A word.")] = ""


class Branch(PolicyConfig, frozen=True):
    kind: Annotated[Literal["plain", "forked"], setting("Kind", "Which kind.")] = "plain"
    inner: Annotated[Inner, setting("Inner", "Belongs together.")] = Inner()
    leaves: Annotated[list[Leaf], setting("Leaves", "Some leaves.", only_with="kind=forked")] = []


class Tree(PolicyConfig, frozen=True):
    branches: Annotated[list[Branch], setting("Branches", "Some branches.")] = []


TREE = dataclasses.replace(EVERYTHING, config=Tree)


def test_rows_hold_sections_and_rows_of_their_own() -> None:
    config = {
        "branches": [
            {"kind": "forked", "inner": {"depth": 1, "name": "a"}, "leaves": [{"word": "x"}, {"word": "y"}]},
            {"kind": "plain", "inner": {"depth": 3, "name": "b"}, "leaves": []},
        ]
    }
    form = PolicyForm(form_data(TREE, config), definition=TREE)
    assert form.is_valid(), form.errors
    assert form.config == config


def test_the_pattern_of_a_new_row_has_all_that_is_in_it() -> None:
    (rows,) = PolicyForm(definition=TREE).shown()
    assert rows.blank is not None
    assert [part.path for part in rows.blank.parts] == [
        "branches.__row0__.kind",
        "branches.__row0__.inner",
        "branches.__row0__.leaves",
    ]
    inner = rows.blank.parts[2].blank
    assert inner is not None
    assert (inner.path, inner.placeholder) == ("branches.__row0__.leaves.__row1__", "__row1__")


def test_a_row_inside_a_row_is_added_without_javascript() -> None:
    typed = posted_again(
        outline(Tree), {"branches.0.kind": "forked", "branches.0.leaves.0.word": "x", "_add_row": "branches.0.leaves"}
    )
    form = PolicyForm(definition=TREE, config=typed)
    assert "branches.0.leaves.1.word" in form.fields


def test_a_setting_that_counts_only_beside_a_choice_says_so_by_field() -> None:
    config = {"branches": [{"kind": "plain"}]}
    (rows,) = PolicyForm(definition=TREE, config=config).shown()
    assert [part.only_with for part in rows.parts[0].parts] == ["", "", "branches.0.kind=forked"]


@by_name
def test_a_setting_counts_only_beside_a_choice_that_is_there(policy: PolicyDefinition) -> None:
    def look(info: Any) -> None:
        names = {field.encode_name for field in getattr(info, "fields", ())}
        for field in getattr(info, "fields", ()):
            kind = field.type
            while isinstance(kind, msgspec.inspect.Metadata):
                only_with = (kind.extra or {}).get("only_with", "")
                assert not only_with or only_with.partition("=")[0] in names, only_with
                kind = kind.type
            look(getattr(kind, "item_type", kind))

    look(msgspec.inspect.type_info(policy.config))


def test_a_whole_document_has_a_taller_text_area_than_other_long_texts() -> None:
    def rows(name: str, setting: str) -> object:
        form = PolicyForm(definition=definition(name))
        return next(field.widget.attrs["rows"] for path, field in form.fields.items() if path.endswith(setting))

    assert rows("mock-response", "spec") == rows("spec-validation", "spec") == 10
    assert rows("maintenance", "body") == 2
