"""The part of an edit page that keeps two people from overwriting each other unseen. See `portal.core.meanwhile`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from portal.core import meanwhile
from portal.core.form_parts import shown_parts
from portal.core.history import PastChange, changes_of
from portal.core.locks import row_lock
from portal.core.marks import mark
from portal.core.meanwhile import ChangedMeanwhile, Difference, Marks, differences


class EditedMeanwhile:
    """What `EditPage` asks before it saves."""

    request: HttpRequest
    object: Any
    form: Any
    form_class: ClassVar[type[Any]]
    # What the form carries when it is shown again: what it came back with, or the marks for a question.
    marks: Marks | None = None
    difference: tuple[Difference, ...] = ()
    past: tuple[PastChange, ...] = ()

    def present_arguments(self) -> dict[str, Any]:
        """Return what the form is made with to show what is saved, whatever else the address asks it to show."""
        return self.form_arguments()  # type: ignore[attr-defined, no-any-return]

    def shown_besides(self) -> Mapping[str, str]:
        """Return what saving replaces although the form does not show it, by label."""
        return {}

    def history_of(self) -> Any:
        """Return the object under which changes of this one are recorded."""
        return self.object

    def marks_now(self) -> Marks:
        """Return the marks of what is saved."""
        now = meanwhile.marks_of(shown_parts(self.form_class(**self.present_arguments())), timezone.now())
        besides = {label: mark(text) for label, text in self.shown_besides().items()}
        return replace(now, parts={**now.parts, **besides})

    def posted(self, data: QueryDict) -> QueryDict:
        """Return posted data as it is meant: with what the person chose of somebody else's."""
        self.marks = meanwhile.marks_read(data)
        if self.marks is None or not self.marks.typed:
            return data
        present = self.form_class(**self.present_arguments())
        typed = self.form_class(data, self.request.FILES, **self.form_arguments())  # type: ignore[attr-defined]
        return meanwhile.with_choices(data, self.marks, present, typed)

    def answered(self) -> bool:
        """Tell whether the form has what the person chose. A secret of theirs was not kept while they were asked."""
        data = self.request.POST
        missing = [
            name
            for name in (self.marks.typed if self.marks is not None else ())
            if name in self.form.fields and self.form.is_secret(name) and not self.form.data.get(name)
            if data.get(f"{meanwhile.CHOICE}{name}") == meanwhile.MINE or meanwhile.ALL_MINE in data
        ]
        for name in missing:
            self.form.add_error(name, "Type it again. It was not kept while you chose; empty means theirs.")
        return not missing

    def lock(self) -> None:
        """Hold the object's row, read it again, and raise `ChangedMeanwhile` when it is not what was shown."""
        row_lock(self.object)
        self.object = self.get_object()  # type: ignore[attr-defined]
        if self.marks is None:
            return
        present = self.form_class(**self.present_arguments())
        found = differences(self.marks, self.form, present, self.shown_besides())
        if found:
            self.difference = tuple(found)
            self.past = tuple(changes_of(self.history_of(), self.marks.at))
            self.marks = meanwhile.asked_marks(self.marks_now(), self.form, present, found)
            raise ChangedMeanwhile(meanwhile.sentence(list(self.past)))

    def meanwhile_context(self) -> dict[str, Any]:
        """Return what the form's page needs to carry the marks and to ask."""
        if self.marks is None and self.object is not None and self.request.method == "GET":
            self.marks = self.marks_now()
        return {
            "shown_marks": self.marks.encoded() if self.marks is not None else "",
            "difference": self.difference,
            "past_changes": self.past,
            "difference_sentence": meanwhile.sentence(list(self.past)) if self.difference else "",
        }
