"""What all pages of the console share: sign-in, the scoped queryset, names, header buttons, the object of a page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from portal.core.commands import Rest
from portal.core.denied import Denied
from portal.core.links import console_url
from portal.core.permissions import rows_here, scope_of

Service = Callable[..., Any]
Breadcrumb = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button in a page's header that leads to another page, shown to those who hold `permission` here."""

    label: str
    url_name: str
    permission: str = ""
    icon: str = ""
    primary: bool = True
    # Give the id of the page's object to the address.
    with_object: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """What an empty list teaches: what these things are, the button, a command to copy, a page of the docs."""

    title: str
    text: str
    icon: str = "inbox"
    command: str = ""
    docs: str = ""


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`, also out of an htmx request."""
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


def reason_not(request: Any, permission: str) -> str:
    """Return why somebody who could do a thing elsewhere may not here, and whom to ask; "" where they never could."""
    reasons = getattr(request, "reasons", None)
    return reasons.of(permission) if reasons is not None and permission not in request.permissions else ""


class ConsoleView(View):
    """What all pages share: sign-in, the scoped queryset and the page's names."""

    queryset: ClassVar[Any] = None
    permission: ClassVar[str] = ""
    # Lookup to the environment's id. None: the model's own; "": the page shows the whole organization.
    environment_lookup: ClassVar[str | None] = None
    template_name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    subtitle: ClassVar[str] = ""
    # (title, console page name or "") from the outermost page to the one above this.
    parents: ClassVar[tuple[Breadcrumb, ...]] = ()
    actions: ClassVar[tuple[Action, ...]] = ()
    # The call that does the same as a page's form or button; where there is none, `no_command` says why.
    rest: ClassVar[Rest | None] = None
    no_command: ClassVar[str] = ""
    object: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep services plain functions: a function in a class body would otherwise become a method."""
        super().__init_subclass__(**kwargs)
        for name in ("service", "create_service"):
            if callable(value := cls.__dict__.get(name)) and not isinstance(value, staticmethod):
                setattr(cls, name, staticmethod(value))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask strangers to sign in."""
        if not request.user.is_authenticated:
            login = redirect_to_login(request.get_full_path())
            return HttpResponseClientRedirect(login["Location"]) if getattr(request, "htmx", False) else login
        return super().dispatch(request, *args, **kwargs)

    @property
    def environment(self) -> Any:
        """Return the environment of the address, or None outside of the console."""
        return getattr(self.request, "environment", None)

    def held_here(self, permission: str) -> bool:
        """Tell whether the user holds `permission` in the environment of the address."""
        if self.environment is None:
            return bool(scope_of(self.request.user, permission).organizations)
        scope = scope_of(self.request.user, permission)
        return scope.covers(self.environment.organization_id, self.environment.pk)

    def get_queryset(self, permission: str = "") -> Any:
        """Return the rows that the user holds `permission` on, inside the environment of the address."""
        if self.queryset is None:
            raise ImproperlyConfigured(f"{type(self).__name__} needs a queryset.")
        return rows_here(
            self.queryset.all(),
            self.request.user,
            self.environment,
            permission or self.permission,
            self.environment_lookup,
        )

    def page_title(self) -> str:
        """Return the heading of the page."""
        return self.title or str(self.object)

    def breadcrumbs(self) -> list[Breadcrumb]:
        """Return (title, url) of the pages above this one."""
        return [(title, console_url(self.request, name) if name else "") for title, name in self.parents]

    def header_actions(self) -> list[dict[str, Any]]:
        """Return the buttons of the header: those this user may use, and with its reason what they could elsewhere."""
        arguments = (self.object.pk,) if self.object is not None else ()
        found = []
        for action in self.actions:
            allowed = not action.permission or self.held_here(action.permission)
            reason = "" if allowed else reason_not(self.request, action.permission)
            if allowed or reason:
                url = console_url(self.request, action.url_name, *arguments * action.with_object) if allowed else ""
                found.append({"action": action, "url": url, "reason": reason})
        return found

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Return what the template needs; subclasses add to it."""
        return {
            "view": self,
            "title": self.page_title(),
            "subtitle": self.subtitle,
            "breadcrumbs": self.breadcrumbs(),
            "actions": self.header_actions(),
            "object": self.object,
            **context,
        }

    def page(self, status: int = 200, **context: Any) -> HttpResponse:
        """Answer with the page."""
        return render(self.request, self.template_name, self.get_context(**context), status=status)


class ObjectView(ConsoleView):
    """A page about one object, found by `pk` of its address."""

    # What one needs to know that the object exists; by default the `.view` of the same area.
    view_permission: ClassVar[str] = ""
    # The keyword under which services take the object; by default the model's name.
    object_name: ClassVar[str] = ""

    def get_object(self) -> Any:
        """Return the object, 404 when the user may not see it, 403 when they may see but not change it."""
        key = {"pk": self.kwargs["pk"]}
        found = self.get_queryset().filter(**key).first()
        if found is not None:
            return found
        view_permission = self.view_permission or f"{self.permission.partition('.')[0]}.view"
        if view_permission != self.permission and self.get_queryset(view_permission).filter(**key).exists():
            raise Denied(self.permission, self.title)
        raise Http404("There is nothing here, or you may not see it.")

    def object_argument(self) -> dict[str, Any]:
        """Return the object as services take it: `{"gateway": …}`."""
        return {self.object_name or self.object._meta.model_name: self.object} if self.object is not None else {}

    def service_arguments(self) -> dict[str, Any]:
        """Return what a service gets besides actor, object and the form's values."""
        return {}

    def success_url(self, result: Any) -> str:
        """Return where to go afterwards: the page of the result, or of the object."""
        target = result if hasattr(result, "get_absolute_url") else self.object
        return target.get_absolute_url()
