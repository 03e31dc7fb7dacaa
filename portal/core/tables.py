"""Tables as declarations: a class with columns, rendered by `components/table.html`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

from django.http import HttpRequest

from portal.core.links import console_url

# Takes a row; returns text (escaped), safe HTML, a datetime, a bool or None.
CellFunction = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `name` is an attribute path (`gateway.name`). `render` replaces the value by a function of the row, `template` by
    a template that gets `row`, `value` and `request`. `sort` is the lookup that the column sorts by. `url_name` makes
    the value a link to that console page with the row's id; `link` to the row's own page. `text` says in plain words
    what a `template` draws, for a file. A column of `actions` is always shown and never exported; one that is `extra`
    is shown only to those who choose it.
    """

    name: str
    title: str
    render: CellFunction | None = None
    template: str = ""
    sort: str = ""
    url_name: str = ""
    link: bool = False
    numeric: bool = False
    text: CellFunction | None = None
    actions: bool = False
    extra: bool = False
    # What a row is called, where that is no link.
    key: bool = False

    def value(self, row: Any) -> Any:
        """Return what the column has of a row, before any template."""
        return self.render(row) if self.render else _attribute(row, self.name)

    def plain(self, row: Any) -> Any:
        """Return it for a file."""
        return self.text(row) if self.text else self.value(row)

    @property
    def optional(self) -> bool:
        """Tell whether it can be left out: not what a row is called, and not what one does with it."""
        return not (self.actions or self.link or self.url_name or self.key)


def _attribute(row: Any, path: str) -> Any:
    value = reduce(lambda found, name: getattr(found, name, None), path.split("."), row)
    return value() if callable(value) else value


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one row, ready for the template."""

    column: Column
    value: Any
    url: str


@dataclass(frozen=True, slots=True)
class Heading:
    """One column's head: where a click on it sorts, and how the column is sorted now."""

    column: Column
    url: str
    # The value of aria-sort: "ascending", "descending" or "".
    direction: str


class Table:
    """The columns of a list and how it is sorted when nobody asked. Instances hold one page of rows."""

    columns: ClassVar[tuple[Column, ...]] = ()
    # Lookups for order_by; empty keeps the model's own order.
    default_sort: ClassVar[tuple[str, ...]] = ()
    caption: ClassVar[str] = ""

    def __init__(self, request: HttpRequest, rows: Any = (), columns: tuple[Column, ...] | None = None) -> None:
        self.request = request
        self.rows = rows
        self.shown = columns if columns is not None else tuple(column for column in self.columns if not column.extra)

    @classmethod
    def chosen(cls, request: HttpRequest) -> tuple[Column, ...]:
        """Return the columns that `?columns=` asks for, in the table's order; without it the usual ones."""
        asked = {name for value in request.GET.getlist("columns") for name in value.split(",") if name}
        # A choice of nothing that exists is no choice.
        if not asked & {column.name for column in cls.columns}:
            return tuple(column for column in cls.columns if not column.extra)
        return tuple(column for column in cls.columns if column.name in asked or not column.optional)

    @classmethod
    def sorting(cls, request: HttpRequest) -> tuple[str, str]:
        """Return the column asked for by `?sort=` and its direction, or two empty strings."""
        asked = request.GET.get("sort", "")
        name = asked.removeprefix("-")
        if not any(column.name == name and column.sort for column in cls.columns):
            return "", ""
        return name, "descending" if asked.startswith("-") else "ascending"

    @classmethod
    def ordered(cls, request: HttpRequest, queryset: Any) -> Any:
        """Return the queryset sorted as asked; the id decides between equals, so that pages never overlap."""
        name, direction = cls.sorting(request)
        if not name:
            return queryset.order_by(*cls.default_sort, "pk") if cls.default_sort else queryset
        lookup = next(column.sort for column in cls.columns if column.name == name)
        return queryset.order_by(f"-{lookup}" if direction == "descending" else lookup, "pk")

    def headings(self) -> list[Heading]:
        """Return the heads of all columns."""
        sorted_name, direction = self.sorting(self.request)
        found = []
        for column in self.shown:
            query = self.request.GET.copy()
            query.pop("page", None)
            now = direction if column.name == sorted_name else ""
            query["sort"] = f"-{column.name}" if now == "ascending" else column.name
            found.append(Heading(column, f"?{query.urlencode()}" if column.sort else "", now))
        return found

    def cells(self) -> list[tuple[Any, list[Cell]]]:
        """Return every row with its cells."""
        return [(row, [self._cell(row, column) for column in self.shown]) for row in self.rows]

    def _cell(self, row: Any, column: Column) -> Cell:
        url = ""
        if column.url_name:
            url = console_url(self.request, column.url_name, row.pk)
        elif column.link:
            url = row.get_absolute_url()
        return Cell(column, column.value(row), url)
