"""One setting as a form control: from its type to a Django field, and from what was typed back to its value."""

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from django import forms
from django.core.validators import RegexValidator

from gateway_runtime.schema.expression import ExpressionSetting

ACRONYMS = frozenset(
    {
        "api",
        "cors",
        "dn",
        "es",
        "grpc",
        "hmac",
        "http",
        "https",
        "id",
        "ip",
        "json",
        "jwks",
        "jwt",
        "ldap",
        "oidc",
        "rsa",
        "tls",
        "uri",
        "url",
        "xml",
    }
)
# What is not written as a word.
_NAMES = {"http1": "HTTP/1.1", "http2": "HTTP/2"}
_WORDS = re.compile(r"[_\-\s]+|(?<=[a-z0-9])(?=[A-Z])")
OMIT = object()


def readable(name: str) -> str:
    """Return a wire name or a choice as words: `basicAuthentication` → “Basic authentication”."""
    if name in _NAMES:
        return _NAMES[name]
    words = [word.lower() for word in _WORDS.split(name) if word]
    words = [word.upper() if word in ACRONYMS else word for word in words]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the definition says about one setting, whatever its type."""

    name: str
    title: str
    help: str
    placeholder: str = ""
    # A choice beside it without which it says nothing: `algorithm=fixed-window`.
    only_with: str = ""
    secret: bool = False
    # Whether a part is there only where its switch says so.
    switch: bool = False
    # What a form offers for a text.
    choices: tuple[str, ...] = ()
    # Whether choices are names that people know as they are written.
    verbatim: bool = False
    # What its default is counted in: seconds, bytes.
    unit: str = ""
    required: bool = True
    nullable: bool = False
    default: Any = None
    expression: ExpressionSetting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A setting with one form field. Subclasses know one kind of type."""

    setting: Setting
    type: Any

    # Whether an untouched control tells that a row of a list was left empty.
    telling: ClassVar[bool] = True

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return the form field. `kept` says that a secret is stored and may be left empty."""
        raise NotImplementedError

    def initial(self, value: Any) -> Any:
        """Return what the control shows for a value of the configuration."""
        return value

    def value(self, cleaned: Any) -> Any:
        """Return the configuration's value for what was typed, or `OMIT`."""
        return OMIT if cleaned is None else cleaned

    def typed(self, value: Any) -> Any:
        """Return what a browser posts for a value of the configuration, a secret one too."""
        return value if self.setting.secret else self.field().prepare_value(self.initial(value))

    def names(self, **more: Any) -> dict[str, Any]:
        """Return what all fields are made with."""
        return {"label": self.setting.title, "help_text": self.help, **more}

    @property
    def help(self) -> str:
        """Return the definition's sentence, with what an expression has to give."""
        takes = self.setting.expression
        return f"{self.setting.help} This is {takes.words}." if takes else self.setting.help

    def attrs(self) -> dict[str, Any]:
        """Return the control's attributes. A script knows an expression by `data-expression`, what it gives."""
        attrs = {"placeholder": self.setting.placeholder} if self.setting.placeholder else {}
        return {**attrs, "data-expression": str(self.setting.expression.gives)} if self.setting.expression else attrs


class Switch(Control):
    """A bool."""

    telling = False

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a checkbox, which is never required."""
        return forms.BooleanField(**self.names(required=False))


class Number(Control):
    """An int or a float with its limits."""

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a number field."""
        info = self.type
        whole = isinstance(info, msgspec.inspect.IntType)
        lowest = info.ge if info.ge is not None else _beyond(info.gt, 1, whole)
        highest = info.le if info.le is not None else _beyond(info.lt, -1, whole)
        limits = {"min_value": lowest, "max_value": highest}
        kind = forms.IntegerField if whole else forms.FloatField
        return kind(
            **self.names(required=not self.setting.nullable, widget=forms.NumberInput(attrs=self.attrs())), **limits
        )

    def initial(self, value: Any) -> Any:
        """Return the number without a fraction where it has none."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _beyond(limit: Any, step: int, whole: bool) -> Any:
    return limit + step if limit is not None and whole else limit


class HiddenText(forms.Textarea):
    """A secret of several lines, such as a key in PEM. It is never shown, also not what was just typed."""

    def format_value(self, value: Any) -> str:
        """Return nothing."""
        return ""


class Text(Control):
    """A str; a secret one is never shown."""

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a text field with its limits."""
        info = self.type
        secret = self.setting.secret
        takes = self.setting.expression
        # Of secrets only whole documents, such as keys in PEM, have several lines.
        roomy = (info.max_length or 0) >= (100_000 if secret else 10_000) or (takes is not None and not takes.text)
        long = not info.pattern and roomy
        one_line: Any = forms.PasswordInput if secret else forms.TextInput
        widget: Any = (HiddenText if secret else forms.Textarea) if long else one_line
        # Scripts and whole documents are read and written in place.
        tall = (takes is not None and takes.script) or (info.max_length or 0) >= 1_000_000
        rows = {"rows": 10 if tall else 2} if long else {}
        attrs = {**self.attrs(), **rows, **({} if secret else {"spellcheck": "false"})}
        needed = bool(self.setting.required or info.min_length or info.pattern)
        names = self.names(required=needed and not self.setting.nullable and not kept)
        if kept:
            names["help_text"] = f"{self.help} Leave it empty to keep the present one."
        field = forms.CharField(
            **names,
            widget=widget(attrs=attrs),
            strip=not secret,
            min_length=info.min_length or None,
            max_length=info.max_length,
        )
        if info.pattern:
            field.validators.append(
                RegexValidator(info.pattern, f"This is not in the form that is needed. {self.setting.help}")
            )
        return field

    def initial(self, value: Any) -> Any:
        """Return the text, but of a secret nothing."""
        return "" if self.setting.secret else value

    def value(self, cleaned: Any) -> Any:
        """Return the text; an optional one that is empty is left out."""
        if cleaned is None or (cleaned == "" and (self.setting.nullable or self.setting.required)):
            return OMIT
        # Browsers send two characters for each line end, and places in a text are counted by one.
        return cleaned.replace("\r\n", "\n")


class Choice(Control):
    """An enum or a literal."""

    telling = False

    def choices(self) -> dict[str, Any]:
        """Return the values by the text that the browser sends."""
        info = self.type
        if self.setting.choices:
            return {each: each for each in self.setting.choices}
        values = [m.value for m in info.cls] if isinstance(info, msgspec.inspect.EnumType) else list(info.values)
        return {str(value): value for value in values}

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return radio buttons for a few choices, a list for many."""
        choices = [(text, self.shown(text)) for text in self.choices()]
        if self.setting.nullable:
            choices.insert(0, ("", "Not set"))
        widget: Any = forms.RadioSelect if len(choices) <= 4 else forms.Select
        return forms.ChoiceField(
            **self.names(required=not self.setting.nullable, widget=widget(attrs=self.attrs())), choices=choices
        )

    def shown(self, text: str) -> str:
        """Return a choice as people read it."""
        return text if self.setting.verbatim else readable(text)

    def initial(self, value: Any) -> Any:
        """Return the choice as the browser sends it."""
        return "" if value is None else str(getattr(value, "value", value))

    def value(self, cleaned: Any) -> Any:
        """Return the chosen value."""
        return self.choices().get(cleaned, OMIT)


class Lines(Control):
    """A list of texts, numbers or choices: one per line."""

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a text area."""
        hint = f"{self.help} One per line."
        attrs = {**self.attrs(), "rows": 4, "spellcheck": "false"}
        return forms.CharField(
            **self.names(required=bool(self.type.min_length), widget=forms.Textarea(attrs=attrs), help_text=hint)
        )

    def initial(self, value: Any) -> Any:
        """Return one line per item."""
        if isinstance(value, str) or value is None:
            return value
        return "\n".join(str(getattr(item, "value", item)) for item in value)

    def value(self, cleaned: Any) -> Any:
        """Return the lines that are not blank, as numbers where numbers are asked for."""
        lines = [line.strip() for line in (cleaned or "").splitlines() if line.strip()]
        if not lines and self.setting.nullable:
            return OMIT
        return [self._item(line) for line in lines]

    def _item(self, line: str) -> Any:
        info = self.type.item_type
        info = info.type if isinstance(info, msgspec.inspect.Metadata) else info
        kinds = {msgspec.inspect.IntType: int, msgspec.inspect.FloatType: float}
        try:
            return kinds.get(type(info), str)(line)
        except ValueError:
            return line  # the definition refuses it, with its place


class Pairs(Control):
    """Names with texts: one per line, `Name: text`. Secret ones are never shown."""

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a text area."""
        hint = f"{self.help} One per line, the name and its text with a colon between them."
        hint += " Leave it empty to keep the present ones." if kept else ""
        attrs = {**self.attrs(), "rows": 3, "spellcheck": "false"}
        widget = HiddenText if self.setting.secret else forms.Textarea
        names = self.names(required=self.setting.required and not kept, help_text=hint)
        return forms.CharField(**names, widget=widget(attrs=attrs))

    def initial(self, value: Any) -> Any:
        """Return one line per pair."""
        return "" if self.setting.secret else self.typed(value)

    def typed(self, value: Any) -> str:
        """Return the lines, of secret ones too."""
        return "\n".join(f"{name}: {text}" for name, text in (value or {}).items())

    def value(self, cleaned: Any) -> Any:
        """Return the pairs; a line without a colon is a name without a text."""
        lines = [line.partition(":") for line in (cleaned or "").splitlines() if line.strip()]
        return {name.strip(): text.strip() for name, _, text in lines}


class Raw(Control):
    """Anything that has no control of its own, as JSON."""

    def field(self, *, kept: bool = False) -> forms.Field:
        """Return a JSON field."""
        attrs = {**self.attrs(), "rows": 6, "spellcheck": "false"}
        hint = f"{self.help} In JSON."
        return forms.JSONField(
            **self.names(required=self.setting.required, widget=forms.Textarea(attrs=attrs), help_text=hint)
        )

    def initial(self, value: Any) -> Any:
        """Return plain data."""
        return json.loads(msgspec.json.encode(value)) if value is not None else None


_KINDS: tuple[tuple[Any, type[Control]], ...] = (
    (msgspec.inspect.BoolType, Switch),
    ((msgspec.inspect.IntType, msgspec.inspect.FloatType), Number),
    (msgspec.inspect.StrType, Text),
    ((msgspec.inspect.EnumType, msgspec.inspect.LiteralType), Choice),
)
_SCALARS = tuple(kind for kinds, _ in _KINDS for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
_LISTS = (
    msgspec.inspect.ListType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.SetType,
    msgspec.inspect.FrozenSetType,
)


def control(setting: Setting, info: Any) -> Control:
    """Return the control for a setting of a type that is neither a struct nor a list of them."""
    if setting.choices:
        return Choice(setting=setting, type=info)
    for kinds, made in _KINDS:
        if isinstance(info, kinds):
            return made(setting=setting, type=info)
    if isinstance(info, _LISTS):
        item = info.item_type.type if isinstance(info.item_type, msgspec.inspect.Metadata) else info.item_type
        if isinstance(item, _SCALARS):
            return Lines(setting=setting, type=info)
    if isinstance(info, msgspec.inspect.DictType) and isinstance(info.value_type, msgspec.inspect.StrType):
        return Pairs(setting=setting, type=info)
    return Raw(setting=setting, type=info)
