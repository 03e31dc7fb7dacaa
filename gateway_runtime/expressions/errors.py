"""What can go wrong: a mistake in an expression, found when it is saved, and a failure while one is evaluated."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 60
_LISTED = 20


class ExpressionError(Exception):
    """A mistake in an expression. `position` counts characters of the setting from 0; `message` is one sentence."""

    def __init__(self, position: int, code: str, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.code = code
        self.message = message

    @property
    def sentence(self) -> str:
        """Return the message with its place, counted from 1 as editors do."""
        return f"Character {self.position + 1}: {self.message}"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an expression gives when it cannot be evaluated. The policy answers with its documented refusal.

    `code` stays the same between releases. The message holds nothing of the request.
    """

    code: str
    message: str


WRONG_TYPE = Failure("wrong_type", "A value has a type that cannot be used where it stands.")
NULL_VALUE = Failure("null_value", "A value that is needed is not there.")
NOT_A_NUMBER = Failure("not_a_number", "A text that is used as a number is not a number.")
NOT_A_BOOLEAN = Failure("not_a_boolean", "A text that is used as true or false is neither.")
NO_NUMBER = Failure("no_number", "A calculation gives no number, as one that divides by zero.")
NOT_BASE64 = Failure("not_base64", "A text that should be Base64 is not.")
NOT_TEXT = Failure("not_text", "Binary data is not text in its encoding.")
NOT_JSON = Failure("not_json", "A text that should be JSON is not, or a value cannot be written as JSON.")
NOT_XML = Failure("not_xml", "A value cannot be written as XML: it has one root, and names that XML takes.")
TOO_LARGE = Failure("too_large", "The expression makes a text, a list or a result that is too large.")
TOO_MANY_STEPS = Failure("too_many_steps", "The expression takes more steps than one evaluation may.")
BAD_PAYLOAD = Failure("bad_payload", "The body is not the JSON or the form that it says it is.")
UNFORESEEN = Failure("not_evaluated", "The expression could not be evaluated.")


class Stop(Exception):
    """Ends an evaluation. Never seen outside this package."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def quoted(text: str) -> str:
    """Return a text that somebody has written in quotes, short and without signs that cannot be seen."""
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    seen = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in shown)
    return f"“{seen}”"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return “ Did you mean “…”?” or the names there are, to put behind a sentence about a wrong name."""
    names = sorted(known)
    lower = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name[:_SHOWN].lower(), lower, n=1, cutoff=0.5)
    if near:
        return f" Did you mean “{lower[near[0]]}”?"
    return f" Known are {', '.join(names)}." if 0 < len(names) <= _LISTED else ""
