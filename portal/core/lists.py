"""The state of a list, all of it from its address: what is looked for, filtered, sorted, shown, and how densely."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify

from portal.core.csv_export import csv_lines
from portal.core.filters import ConsoleFilterSet, search
from portal.core.tables import Column, Table

COMPACT = "compact"
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that narrows the list, and the address without it."""

    name: str
    value: str
    url: str


def address(query: QueryDict, **changes: str | None) -> str:
    """Return the query string with some parameters set or, for None, taken out; the page is always forgotten."""
    changed = query.copy()
    changed.pop("page", None)
    for name, value in changes.items():
        changed.pop(name, None)
        if value:
            changed[name] = value
    return f"?{changed.urlencode()}"


class Listing:
    """The rows of one list as its address asks for them."""

    def __init__(
        self,
        request: HttpRequest,
        rows: Any,
        *,
        table: type[Table],
        filters: type[ConsoleFilterSet] | None = None,
        search_fields: tuple[str, ...] = (),
        page_size: int = 50,
    ) -> None:
        self.request = request
        self.everything = rows
        self.table_class = table
        self.page_size = page_size
        self.filter = filters(request.GET, queryset=rows, request=request) if filters else None
        # PostgreSQL takes no NUL, and no text of ours holds one.
        self.query = request.GET.get("q", "").replace("\x00", "").strip() if search_fields else ""
        if self.filter is not None:
            rows = self.filter.qs
        if self.query:
            rows = search(rows, self.query, search_fields)
        self.rows = table.ordered(request, rows)

    @property
    def narrowed(self) -> bool:
        """Tell whether anything leaves rows out."""
        return bool(self.query) or (self.filter is not None and self.filter.in_use)

    @cached_property
    def page(self) -> Page[Any]:
        """Return the rows of the page asked for.

        What a database sorts it carries along: ids of all rows are cheap to put in order, all their columns are not.
        """
        ids = self.rows.values_list("pk", flat=True)
        page = Paginator(ids, self.page_size).get_page(self.request.GET.get("page"))
        shown = list(page.object_list)
        whole = self.rows.order_by().in_bulk(shown)
        # What was deleted in between is not there any more.
        page.object_list = [whole[pk] for pk in shown if pk in whole]
        return page

    @cached_property
    def nothing_yet(self) -> bool:
        """Tell whether the list is empty for want of things, and not because of search and filters."""
        return not self.page.paginator.count and not (self.narrowed and self.everything.exists())

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns that are shown: those asked for by `?columns=`, else the usual ones."""
        return self.table_class.chosen(self.request)

    @cached_property
    def table(self) -> Table:
        """Return the table of the page."""
        return self.table_class(self.request, self.page.object_list, self.columns)

    @property
    def compact(self) -> bool:
        """Tell whether the rows are close together."""
        return self.request.GET.get("density") == COMPACT

    def chips(self) -> list[Chip]:
        """Return what narrows the list, each with the address without it."""
        found = []
        if self.query:
            found.append(Chip("Search", self.query, address(self.request.GET, q=None)))
        if self.filter is not None:
            found += [
                Chip(label, value, address(self.request.GET, **{name: None}))
                for name, label, value in self.filter.chosen()
            ]
        return found

    def choices(self) -> list[tuple[Column, bool]]:
        """Return the columns that can be switched on and off, and whether they are on."""
        return [(column, column in self.columns) for column in self.table_class.columns if column.optional]

    @property
    def always(self) -> str:
        """Return a column that is always there: with it, a choice of no other column is a choice too."""
        return next((column.name for column in self.table_class.columns if not column.optional), "")

    def kept(self, *but: str) -> list[tuple[str, str]]:
        """Return the parameters of the address as a form hands them on, without the page and some others."""
        return [
            (name, value)
            for name, values in self.request.GET.lists()
            for value in values
            if name not in ("page", "view", *but)
        ]

    def kept_by_filters(self) -> list[tuple[str, str]]:
        """Return what the form of search and filters does not hold itself."""
        return self.kept("q", *(self.filter.filters if self.filter is not None else ()))

    def kept_by_columns(self) -> list[tuple[str, str]]:
        """Return what the form of columns and density does not hold itself."""
        return self.kept("columns", "density")

    @property
    def state(self) -> str:
        """Return the query string that makes this list again, without the page."""
        query = QueryDict(mutable=True)
        for name, value in self.kept():
            if value:
                query.appendlist(name, value)
        return query.urlencode()

    @property
    def csv_url(self) -> str:
        """Return where the same rows and columns are a file."""
        return address(self.request.GET, format="csv")

    @property
    def json_lines_url(self) -> str:
        """Return where the same rows are a file of one JSON object in each line."""
        return address(self.request.GET, format="jsonl")

    def csv(self, title: str) -> StreamingHttpResponse:
        """Answer with all rows that are listed, not just this page's, in the columns that are shown."""
        columns = tuple(column for column in self.columns if not column.actions)
        rows = ([_plain(column.plain(row)) for column in columns] for row in self._every())
        return self._file(title, "csv", "text/csv; charset=utf-8", csv_lines([each.title for each in columns], rows))

    def json_lines(self, title: str, whole: Callable[[Any], Mapping[str, Any]]) -> StreamingHttpResponse:
        """Answer with all rows that are listed, each wholly as `whole` returns it (https://jsonlines.org)."""
        lines = (f"{json.dumps(whole(row), cls=DjangoJSONEncoder)}\n" for row in self._every())
        return self._file(title, "jsonl", "application/jsonl", lines)

    def _file(self, title: str, ending: str, content_type: str, pieces: Iterable[str]) -> StreamingHttpResponse:
        response = StreamingHttpResponse(pieces, content_type=content_type)
        place = getattr(getattr(self.request, "environment", None), "slug", "")
        parts = [slugify(title) or "list", place, timezone.now().strftime("%Y-%m-%d")]
        response["Content-Disposition"] = f'attachment; filename="{"-".join(filter(None, parts))}.{ending}"'
        response["Cache-Control"] = "no-store"
        return response

    def _every(self) -> Iterator[Any]:
        # In pieces, so that neither a long list nor a slow reader fills the memory.
        return iter(self.rows.iterator(chunk_size=ROWS_AT_ONCE))


def _plain(value: Any) -> Any:
    """Return a value as a file holds it: times with their zone, yes and no in words."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return value
