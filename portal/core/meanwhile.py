"""Two people edit the same thing: the second sees what the first one saved, and nothing of either is lost.

A form carries a mark of each part as it was shown. When it comes back, the marks are compared with what is saved by
then. What another person changed is put beside what this one typed; each part is chosen, and the form is sent again.
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from portal.core.errors import ApplicationError
from portal.core.form_parts import FormPart, posted_values, shown_parts, typed_parts
from portal.core.history import PastChange
from portal.core.marks import mark

# Names of what the form carries besides its fields; no field begins so.
SHOWN = "_shown"
CHOICE = "_meanwhile."
ALL_MINE = "_meanwhile_mine"
THEIRS, MINE = "theirs", "mine"
CODE = "changed_meanwhile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a form showed, and when. `typed` are the parts of which a person was asked which one stays."""

    at: datetime.datetime | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> str:
        """Return it as the form carries it."""
        at = self.at.isoformat() if self.at else ""
        return json.dumps({"at": at, "parts": dict(self.parts), "typed": dict(self.typed)}, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One part that somebody else changed. `choice` is what stays unless the person says otherwise.

    Without `choosable` it is no field of the form: it can only be overwritten, or left by leaving the form.
    """

    part: str
    label: str
    theirs: str
    mine: str
    choice: str
    choosable: bool = True


class ChangedMeanwhile(ApplicationError):
    """What was going to be changed is not what was shown any more."""

    def __init__(self, message: str, *, body: Mapping[str, Any] | None = None, etag: str = "") -> None:
        super().__init__(CODE, message, status=409)
        self.body = dict(body or {})
        self.etag = etag


def marks_of(parts: Mapping[str, FormPart], at: datetime.datetime) -> Marks:
    """Return the marks of what a form shows."""
    return Marks(at=at, parts={name: mark(part.value) for name, part in parts.items()})


def marks_read(data: Mapping[str, Any]) -> Marks | None:
    """Return the marks that a form came back with; None for a form that carries none, or none that can be read."""
    try:
        found = json.loads(data.get(SHOWN, ""))
        at = datetime.datetime.fromisoformat(found["at"]) if found["at"] else None
        if at is not None and at.tzinfo is None:
            return None
        return Marks(at=at, parts=_texts(found["parts"]), typed=_texts(found["typed"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _texts(found: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in found.items()}


def differences(marks: Marks, form: Any, present_form: Any, besides: Mapping[str, str]) -> list[Difference]:
    """Return what another person changed since the form was shown, without what both of them say alike.

    `present_form` is the form as it would be shown now, `besides` what of the object it does not show, by label.
    """
    present = shown_parts(present_form)
    typed = typed_parts(form, present)
    nothing = FormPart(name="", value="", text="")
    found = []
    for name in dict.fromkeys([*present, *typed]):
        now, mine = present.get(name, nothing), typed.get(name, nothing)
        shown = marks.parts.get(name, mark(""))
        if mark(now.value) == shown or now.value == mine.value:
            continue
        label = (form if name in typed else present_form).part_label(name)
        choice = THEIRS if mark(mine.value) == shown else MINE
        found.append(Difference(part=name, label=label, theirs=now.text, mine=mine.text, choice=choice))
    for label, text in besides.items():
        if mark(text) != marks.parts.get(label, mark("")):
            found.append(Difference(part=label, label=label, theirs=text, mine="", choice=MINE, choosable=False))
    return found


def with_choices(data: QueryDict, marks: Marks | None, present_form: Any, form: Any) -> QueryDict:
    """Return posted data with the present value of each part of which the person chose that one.

    `form` is made of `data`. What was typed anew after the question was asked is an answer of its own.
    """
    if marks is None or not marks.typed or ALL_MINE in data:
        return data
    typed = typed_parts(form, shown_parts(present_form))
    chosen = data.copy()
    for part, asked in marks.typed.items():
        now = typed.get(part)
        if data.get(f"{CHOICE}{part}") != THEIRS or mark(now.value if now else "") != asked:
            continue
        # By the names that were sent: a form may number its rows anew.
        for name in [name for name in chosen if form.part_of(name) == part]:
            del chosen[name]
        for name, values in posted_values(present_form, part).items():
            chosen.setlist(name, values)
    return chosen


def asked_marks(marks: Marks, form: Any, present_form: Any, found: list[Difference]) -> Marks:
    """Return the marks for asking about differences: those of now, and what was typed."""
    typed = typed_parts(form, shown_parts(present_form))
    values = {each.part: typed[each.part].value if each.part in typed else "" for each in found if each.choosable}
    return Marks(at=marks.at, parts=marks.parts, typed={part: mark(value) for part, value in values.items()})


def asked_again(marks: Marks | None) -> Marks | None:
    """Return the marks for a form that is shown again before a question about it was answered."""
    if marks is None or not marks.typed:
        return marks
    return replace(marks, parts={part: "" if part in marks.typed else at for part, at in marks.parts.items()}, typed={})


def sentence(changes: list[PastChange]) -> str:
    """Say who changed it; the page and REST put the time beside it."""
    names = list(dict.fromkeys(change.who for change in changes))
    who = " and ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    return f"{who or 'Somebody'} changed this meanwhile. Nothing of yours is saved yet."
