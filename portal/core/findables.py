"""What the console's search finds. Each app declares its things in its `findables.py`, which is loaded at start.

    register(Findable(name="gateway", title="Gateways", icon="building-bridge-2", permission="gateway.view",
                      queryset=Gateway.objects, fields=("name", "slug"), deeds=(Deed("Edit {name}", …),)))

The rows are always those of the place of the request on which the person holds `permission`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, TextField, Value, When
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest

from portal.core.fuzzy import closeness, words_of
from portal.core.permissions import rows_here

# Of one kind, how many rows the database is asked for and how many are shown.
CANDIDATES = 24
SHOWN_OF_A_KIND = 6


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to do with a found thing: “Apply policy to {name}”. It leads to the page where it is done."""

    title: str
    permission: str
    url: Callable[[HttpRequest, Any], str]

    def verb(self) -> list[str]:
        """Return the words of the title without the name."""
        return words_of(self.title.replace("{name}", " "))


@dataclass(frozen=True, slots=True)
class Found:
    """One line of an answer."""

    title: str
    url: str
    note: str = ""
    icon: str = ""
    distance: float = 0


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one kind, the closest first."""

    name: str
    title: str
    items: list[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findable:
    """A kind of things in the database."""

    name: str
    title: str
    icon: str
    permission: str
    queryset: Any
    # The fields that are looked in, as one text in this order.
    fields: tuple[str, ...]
    label: Callable[[Any], str] = str
    note: Callable[[Any], str] = lambda row: ""
    url: Callable[[HttpRequest, Any], str] = lambda request, row: row.get_absolute_url()
    # As on a page: None is the model's own environment, "" the whole organization.
    environment_lookup: str | None = None
    # Replaces the usual choice of rows, for what belongs to people and not to organizations.
    rows: Callable[[HttpRequest], Any] | None = None
    deeds: tuple[Deed, ...] = ()
    order: int = 50

    def allowed(self, request: Any) -> bool:
        """Tell whether the person may see any such thing here."""
        return not self.permission or self.permission in request.permissions

    def candidates(self, request: Any, words: list[str]) -> list[Any]:
        """Return the rows that hold all the words, likely ones first; the database looks, and only this far."""
        if self.rows is not None:
            rows = self.rows(request)
        else:
            rows = rows_here(
                self.queryset.all(), request.user, request.environment, self.permission, self.environment_lookup
            )
        parts = [part for name in self.fields for part in (Value(" "), Cast(name, TextField()))][1:]
        rows = rows.annotate(found_text=Concat(*parts, output_field=TextField()) if len(parts) > 1 else parts[0])
        for word in words:
            rows = rows.filter(found_text__fuzzy=word)
        if words:
            sure = Case(
                When(found_text__istartswith=words[0], then=Value(0)),
                When(found_text__icontains=words[0], then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            )
            rows = rows.order_by(sure, "found_text", "pk")
        else:
            rows = rows.order_by("-updated_at", "pk")
        return list(rows[:CANDIDATES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A kind of things that are known without the database, such as pages."""

    name: str
    title: str
    list: Callable[[Any], Iterable[Found]]
    order: int = 50


_kinds: dict[str, Findable | Entries] = {}


def register(kind: Findable | Entries) -> None:
    """Add a kind. The same name again replaces it."""
    _kinds[kind.name] = kind


def kinds() -> list[Findable | Entries]:
    """Return every kind, in the order in which equals are shown."""
    return sorted(_kinds.values(), key=lambda kind: (kind.order, kind.name))


def found(request: Any, text: str) -> list[Group]:
    """Return what matches, by kind; the kind with the closest line first. Without words: where one can go."""
    words = words_of(text)
    groups = []
    for kind in kinds():
        if isinstance(kind, Entries):
            items = _close(kind.list(request), words)
        elif words and kind.allowed(request):
            rows = ((kind.label(row), kind.note(row), row) for row in kind.candidates(request, words))
            items = _close((Found(label, kind.url(request, row), note, kind.icon) for label, note, row in rows), words)
        else:
            continue
        groups.append(Group(kind.name, kind.title, items))
    groups.append(Group("actions", "Actions", _deeds(request, words)))
    return sorted((group for group in groups if group.items), key=lambda group: group.items[0].distance)


def _close(items: Iterable[Found], words: list[str]) -> list[Found]:
    """Return the lines that hold the words, the closest first. A word that only the note has counts for less."""
    if not words:
        return list(items)
    near = []
    for item in items:
        distance = closeness(item.title, words)
        if distance is None and (distance := closeness(f"{item.title} {item.note}", words)) is not None:
            distance += 1
        if distance is not None:
            near.append(Found(item.title, item.url, item.note, item.icon, distance / len(words)))
    return sorted(near, key=lambda item: item.distance)[:SHOWN_OF_A_KIND]


def _deeds(request: Any, words: list[str]) -> list[Found]:
    """Return the deeds of which some words are said, done to what the other words name."""
    lines = []
    for kind in kinds():
        if not isinstance(kind, Findable) or not kind.allowed(request):
            continue
        for deed in kind.deeds:
            if deed.permission and deed.permission not in request.permissions:
                continue
            verb = deed.verb()
            others = [word for word in words if not any(said.startswith(word) for said in verb)]
            said = len(words) - len(others)
            # One letter is the beginning of too many words.
            if not said or not any(len(word) > 1 for word in words if word not in others):
                continue
            # The more of the deed is said, the surer it is meant.
            base = 0.4 if said >= 2 else 0.6
            for row in kind.candidates(request, others):
                label = kind.label(row)
                distance = closeness(f"{label} {kind.note(row)}", others)
                if distance is None:
                    continue
                title = deed.title.format(name=label)
                lines.append(Found(title, deed.url(request, row), kind.note(row), "bolt", base + distance))
    return sorted(lines, key=lambda line: line.distance)[:SHOWN_OF_A_KIND]
