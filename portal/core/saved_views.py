"""Keeping a list as one likes to see it. The views are personal, so nothing of them is in the audit trail."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import cached_property

from portal.core.errors import ApplicationError
from portal.core.models import SavedView

MOST_OF_A_LIST = 30
# `?view=all` asks for the list without the usual view.
PARAMETER = "view"


class SavedViews:
    """A person's views of the list at the address of a request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def all(self) -> list[SavedView]:
        """Return them by name."""
        return list(SavedView.objects.visible_to(self.request.user).filter(path=self.request.path))

    @property
    def current(self) -> SavedView | None:
        """Return the one that is shown now."""
        now = self.request.GET.urlencode()
        return next((view for view in self.all if view.query == now), None)

    def usual_address(self) -> str | None:
        """Return where somebody who said nothing goes: their usual view. None where there is none, or it was said."""
        if self.request.GET:
            return None
        usual = next((view for view in self.all if view.usual and view.query), None)
        return usual.get_absolute_url() if usual is not None else None


@transaction.atomic
def saved_view_save(*, actor: Any, path: str, name: str, query: str = "", usual: bool = False) -> SavedView:
    """Keep a view of a list under a name; one of the same name is replaced. Only one is the usual one."""
    name, query = name.strip(), query.strip().lstrip("?")
    _path_check(path)
    if not name:
        raise ApplicationError("view_unnamed", "Give the view a name.", fields={"name": "Give the view a name."})
    views = SavedView.objects.visible_to(actor).filter(path=path)
    view = views.filter(name=name).first() or SavedView(user=actor, path=path, name=name)
    if view._state.adding and views.count() >= MOST_OF_A_LIST:
        sentence = f"You have {MOST_OF_A_LIST} views of this list. Delete one that you no longer use."
        raise ApplicationError("too_many_views", sentence, fields={"name": sentence}, status=409)
    if usual:
        views.exclude(pk=view.pk).update(usual=False)
    view.query, view.usual = query, usual
    view.save_checked()
    return view


@transaction.atomic
def saved_view_usual(*, actor: Any, view: SavedView, usual: bool = True) -> SavedView:
    """Let a view be what its list opens with, or no longer."""
    SavedView.objects.visible_to(actor).filter(path=view.path, usual=True).update(usual=False)
    view.usual = usual
    view.save(update_fields=["usual", "updated_at"])
    return view


def saved_view_delete(*, actor: Any, view: SavedView) -> None:
    """Forget a view."""
    view.delete()


def _path_check(path: str) -> None:
    """Raise unless a list of ours is at the address: a view must never lead anywhere else."""
    try:
        found = resolve(path)
    except Resolver404:
        found = None
    view = getattr(found.func, "view_class", None) if found is not None else None
    if not hasattr(view, "search_fields"):
        raise ApplicationError("not_a_list", "There is no list at this address.", fields={"path": "Not a list."})
