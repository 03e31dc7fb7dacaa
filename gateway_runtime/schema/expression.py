"""The settings that take an expression `#[…]`: what it gives and what it may use. Both planes read this."""

import enum
from typing import Any

import msgspec


class Gives(enum.StrEnum):
    """What a setting's expression gives. Null is possible everywhere; the policy says what it means there."""

    STRING = "string"
    BOOLEAN = "boolean"
    NUMBER = "number"
    LIST = "list"
    OBJECT = "object"
    ANY = "any"


_WORDS = {
    Gives.STRING: "a text", Gives.BOOLEAN: "true or false", Gives.NUMBER: "a number", Gives.LIST: "a list",
    Gives.OBJECT: "an object", Gives.ANY: "anything",
}  # fmt: skip


class ExpressionSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a setting says about its expressions.

    `response` evaluates it with the response, else with the request; `either` with both, one after the other: then
    headers are those of the response once there is one, and the status is null before. `payload` says that the policy
    has the body. `variables` are the names behind `vars.`, each with the type it gives. `text` lets the setting be
    plain text, or text with expressions inside. `script` makes it a script, without `#[…]` around it; `outputs` are the
    media types that it may declare (none: any).
    """

    gives: Gives = Gives.STRING
    response: bool = False
    either: bool = False
    payload: bool = False
    variables: dict[str, Gives] = {}
    text: bool = False
    script: bool = False
    outputs: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Say what the setting takes: “an expression “#[…]” that gives a text”."""
        takes = "text, which may hold expressions “#[…]”"
        if self.script:
            takes = f"a script that gives {_WORDS[self.gives]}"
        elif not self.text:
            takes = f"an expression “#[…]” that gives {_WORDS[self.gives]}"
        if self.either:
            return f"{takes}, evaluated with the request or with the response"
        return f"{takes}, evaluated with the response" if self.response else takes


KEY = "expression"


def expression(
    title: str,
    help: str,
    takes: ExpressionSetting | None = None,
    *,
    placeholder: str = "",
    only_with: str = "",
    **limits: Any,
) -> msgspec.Meta:
    """Describe one setting that takes an expression: `Annotated[str, expression("Key", "What … by.")]`.

    It is checked wherever settings are (form, REST, file, compiler), with the character in the sentence. `only_with` is
    that of `policy.setting`.
    """
    takes = takes or ExpressionSetting()
    extra = {"secret": False, "placeholder": placeholder, "only_with": only_with, KEY: takes}
    schema = {"format": "dataweaveExpression"}
    return msgspec.Meta(title=title, description=help, extra=extra, extra_json_schema=schema, **limits)
