"""The console's pages about actions on many rows: a list with choices, and the preview, the run and its results."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from portal.core.bulk import (
    MOST_ROWS,
    BulkAction,
    Chosen,
    Outcome,
    State,
    action_of,
    actions_of,
    bulk_preview,
    bulk_run,
)
from portal.core.commands import call
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.lists import Listing
from portal.core.selections import selection_keep, selection_of
from portal.core.views import ConsoleView, ListPage


class BulkListPage(ListPage):
    """A list whose rows can be chosen. POST goes on with the chosen ones, or with all that the address shows."""

    # The place at which actions are registered, and the page that does them.
    bulk_place: ClassVar[str]
    bulk_url_name: ClassVar[str]

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Offer the actions that the user may do here."""
        return super().get_context(bulk_actions=self.offered(), most_rows=MOST_ROWS, **context)

    def offered(self) -> list[BulkAction]:
        """Return the actions of the place that the user may do in this environment."""
        return [action for action in actions_of(self.bulk_place) if self.held_here(action.permission)]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Keep the chosen rows and go to the page of the action."""
        action = action_of(self.bulk_place, request.POST.get("action", ""))
        if action is None or not self.held_here(self.permission):
            raise Http404
        if not self.held_here(action.permission):
            raise Denied(action.permission, action.title)
        rows = self._chosen_ids()
        if not rows or len(rows) > MOST_ROWS:
            messages.error(request, "Choose some rows first." if not rows else f"Choose at most {MOST_ROWS} at once.")
            return redirect(request.get_full_path())
        name = urlencode({"chosen": selection_keep(request, rows)})
        page = action.url_name or self.bulk_url_name
        arguments = () if action.url_name else (action.name,)
        return redirect(f"{console_url(request, page, *arguments)}?{name}")

    def _chosen_ids(self) -> list[Any]:
        rows = self.get_queryset()
        if "everything" in self.request.POST:
            listing = Listing(
                self.request, rows, table=self.table, filters=self.filters, search_fields=self.search_fields
            )
            return list(listing.rows.values_list("pk", flat=True)[: MOST_ROWS + 1])
        asked = set(self.request.POST.getlist("row")[: MOST_ROWS + 1])
        return [pk for pk in rows.values_list("pk", flat=True) if str(pk) in asked]


class BulkPage(ConsoleView):
    """One action on the chosen rows: what it would do to each, then what it did."""

    template_name = "generic/bulk.html"
    bulk_place: ClassVar[str]
    list_url_name: ClassVar[str]
    # Where REST does the same, below /api/v1.
    rest_path: ClassVar[str]
    # How one row is called in sentences.
    thing: ClassVar[str] = "row"
    action: BulkAction
    rows: list[Any]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the action and the rows."""
        if request.user.is_authenticated:
            action = action_of(self.bulk_place, kwargs["action"])
            if action is None or action.run is None or not self.held_here(self.permission):
                raise Http404
            if not self.held_here(action.permission):
                raise Denied(action.permission, action.title)
            self.action = action
            self.rows = list(self.get_queryset().filter(pk__in=selection_of(request)[:MOST_ROWS]))
            if not self.rows:
                messages.error(request, "What was chosen is not there any more. Choose again.")
                return redirect(console_url(request, self.list_url_name))
        return super().dispatch(request, *args, **kwargs)

    def page_title(self) -> str:
        """Say what is done to how many."""
        return f"{self.action.title}: {len(self.rows)} {self.thing}{'' if len(self.rows) == 1 else 's'}"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask what has to be known, or show at once what would happen."""
        form = self.form()
        return self.bulk_page(form=form, outcomes=None if form is not None else self.outcomes({}))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what would happen with what was filled in, or do it."""
        form = self.form(request.POST)
        if form is not None and not form.is_valid():
            return self.bulk_page(status=422, form=form, outcomes=None)
        values = form.cleaned_data if form is not None else {}
        if "run" not in request.POST:
            return self.bulk_page(form=form, outcomes=self.outcomes(values))
        return self.bulk_page(form=None, outcomes=self.outcomes(values, done=True), done=True)

    def form(self, data: Any = None) -> Any:
        """Return the form of the action, None where it needs none."""
        if self.action.form is None:
            return None
        chosen = Chosen(user=self.request.user, environment=self.environment, rows=self.rows)
        return self.action.form(data, chosen=chosen)

    def outcomes(self, values: dict[str, Any], *, done: bool = False) -> list[Outcome]:
        """Return what becomes of each row."""
        ids = [row.pk for row in self.rows]
        allowed = set(self.get_queryset(self.action.permission).filter(pk__in=ids).values_list("pk", flat=True))
        work = bulk_run if done else bulk_preview
        return work(actor=self.request.user, action=self.action, rows=self.rows, allowed=allowed, values=values)

    def bulk_page(
        self, status: int = 200, *, form: Any, outcomes: list[Outcome] | None, done: bool = False
    ) -> HttpResponse:
        """Answer with form and rows."""
        typed = {field.html_name: field.data for field in form or ()}
        asked = {"action": self.action.name, "rows": [row.pk for row in self.rows], "values": typed}
        commands = [call("POST", self.rest_path, asked)] if outcomes and not done else []
        counts = {state: sum(each.state is state for each in outcomes or ()) for state in State}
        return self.page(
            status=status,
            action=self.action,
            commands=commands,
            form=form,
            outcomes=outcomes,
            counts=counts,
            changes=counts[State.CHANGED],
            done=done,
            rows=self.rows,
            cancel_url=console_url(self.request, self.list_url_name),
        )
