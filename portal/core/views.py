"""The generic pages of the console. An app's page is a declaration over one of them.

Every page starts from `queryset.visible_to(user, permission)` and stays inside the environment of its address:
strangers sign in, what a person may not see is 404, what they may see but not do is a 403 that names the roles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from portal.core.denied import Denied
from portal.core.errors import ApplicationError
from portal.core.filters import ConsoleFilterSet
from portal.core.links import console_url
from portal.core.lists import Listing
from portal.core.permissions import rows_here, scope_of
from portal.core.saved_views import SavedViews
from portal.core.tables import Table

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
        """Return the buttons of the header that this user may use."""
        arguments = (self.object.pk,) if self.object is not None else ()
        return [
            {"action": action, "url": console_url(self.request, action.url_name, *arguments * action.with_object)}
            for action in self.actions
            if not action.permission or self.held_here(action.permission)
        ]

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


class ListPage(ConsoleView):
    """A list with search, filters, sorting, columns, pages and saved views. Every state of it is an address."""

    template_name = "generic/list.html"
    table: ClassVar[type[Table]]
    filters: ClassVar[type[ConsoleFilterSet] | None] = None
    # Fields that `?q=` looks in; empty leaves the search box out.
    search_fields: ClassVar[tuple[str, ...]] = ()
    empty: ClassVar[Empty | None] = None
    page_size: ClassVar[int] = 50

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show one page of the rows asked for, or send all of them as a file."""
        if self.environment is not None and not self.held_here(self.permission):
            raise Denied(self.permission, self.title)
        views = SavedViews(request)
        if (usual := views.usual_address()) is not None:
            return redirect(usual)
        listing = Listing(
            request,
            self.get_queryset(),
            table=self.table,
            filters=self.filters,
            search_fields=self.search_fields,
            page_size=self.page_size,
        )
        if request.GET.get("format") == "csv":
            return listing.csv(self.page_title())
        return self.page(
            listing=listing,
            table=listing.table,
            page_obj=listing.page,
            filter=listing.filter,
            query=listing.query,
            narrowed=listing.narrowed,
            nothing_yet=listing.nothing_yet,
            saved_views=views,
        )


class DetailPage(ObjectView):
    """A page about one object. `place` names it for panels and tabs of higher apps."""

    template_name = "generic/detail.html"
    place: ClassVar[str] = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the object."""
        self.object = self.get_object()
        return self.page(place=self.place)


class EditPage(ObjectView):
    """A form whose values go to a service. With `pk` in the address it edits, without it creates.

    The service gets `actor`, the object (when editing), `service_arguments()` and the form's values.
    """

    template_name = "generic/edit.html"
    form_class: ClassVar[type[Any]]
    service: ClassVar[Service]
    message: ClassVar[str] = "Saved."
    submit_label: ClassVar[str] = "Save"
    cancel_url_name: ClassVar[str] = ""

    @cached_property
    def creating(self) -> bool:
        """Tell whether there is no object yet."""
        return "pk" not in self.kwargs

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Keep the form of this request."""
        super().setup(request, *args, **kwargs)
        self.form: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find the object, or check that one may be made here, before any method."""
        if request.user.is_authenticated:
            if not self.creating:
                self.object = self.get_object()
            elif not self.held_here(self.permission):
                raise Denied(self.permission, self.title)
        return super().dispatch(request, *args, **kwargs)

    def page_title(self) -> str:
        """Return the heading: that of the class, or that the object is edited."""
        return self.title or f"Edit {self.object}"

    def breadcrumbs(self) -> list[Breadcrumb]:
        """Lead back to the page of the object that is edited or gets a part."""
        above = super().breadcrumbs()
        if self.object is not None and hasattr(self.object, "get_absolute_url"):
            above.append((str(self.object), self.object.get_absolute_url()))
        return above

    def form_arguments(self) -> dict[str, Any]:
        """Return what the form's constructor gets besides data and files: the instance, initial values."""
        if self.object is not None and hasattr(self.form_class, "_meta"):
            return {"instance": self.object}
        return {}

    def cancel_url(self) -> str:
        """Return where “Cancel” leads: the object's page, the named page, or the page above."""
        if self.object is not None and hasattr(self.object, "get_absolute_url"):
            return self.object.get_absolute_url()
        if self.cancel_url_name:
            return console_url(self.request, self.cancel_url_name)
        above = [url for _, url in self.breadcrumbs() if url]
        return above[-1] if above else ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the form."""
        self.form = self.form_class(**self.form_arguments())
        return self.form_page()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save by the service, or show the form again with its errors and the person's input."""
        self.form = self.form_class(request.POST, request.FILES, **self.form_arguments())
        if not self.form.is_valid():
            return self.form_page(status=422)
        try:
            with transaction.atomic():
                result = self.save(self.form.cleaned_data)
                self.check_again(result)
        except ApplicationError as error:
            self.form.add_application_error(error)
            return self.form_page(status=422)
        if self.message:
            messages.success(request, self.message)
        return self.saved(result)

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the form's values."""
        return self.service(actor=self.request.user, **self.object_argument(), **self.service_arguments(), **values)

    def saved(self, result: Any) -> HttpResponse:
        """Answer after success; a page that shows a secret once overrides this."""
        return go(self.request, self.success_url(result))

    def check_again(self, result: Any) -> None:
        """Undo what would have moved an object to where the user may not change it."""
        if isinstance(result, self.queryset.model) and not self.get_queryset().filter(pk=result.pk).exists():
            raise Denied(self.permission, self.title)

    def form_page(self, status: int = 200) -> HttpResponse:
        """Answer with the form."""
        return self.page(
            status=status,
            form=self.form,
            submit_label=self.submit_label,
            cancel_url=self.cancel_url(),
            creating=self.creating,
        )


class ActionView(ObjectView):
    """A button: POST calls the service with actor and object, says so and goes on.

    With `form_class`, the posted values are checked and given to the service too.
    """

    http_method_names = ["post", "options"]
    service: ClassVar[Service]
    message: ClassVar[str] = ""
    form_class: ClassVar[type[Any] | None] = None
    # A console page to go to afterwards; by default the object's own.
    success_url_name: ClassVar[str] = ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it."""
        self.object = self.get_object()
        back = self.object.get_absolute_url() if hasattr(self.object, "get_absolute_url") else ""
        try:
            result = self.act(self.values())
        except ApplicationError as error:
            messages.error(request, error.message)
            return go(request, back or self.after(None))
        if message := self.success_message(result):
            messages.success(request, message)
        return self.done(result)

    def values(self) -> dict[str, Any]:
        """Return the posted values, or raise `ApplicationError` with the first thing wrong with them."""
        if self.form_class is None:
            return {}
        form = self.form_class(self.request.POST)
        if not form.is_valid():
            raise ApplicationError("invalid", " ".join(text for texts in form.errors.values() for text in texts))
        return form.cleaned_data

    def act(self, values: dict[str, Any]) -> Any:
        """Call the service."""
        return self.service(actor=self.request.user, **self.object_argument(), **self.service_arguments(), **values)

    def success_message(self, result: Any) -> str:
        """Return what to say afterwards; `{object}` in the message is the object's name."""
        return self.message.format(object=self.object)

    def after(self, result: Any) -> str:
        """Return where to go afterwards."""
        return console_url(self.request, self.success_url_name) if self.success_url_name else self.success_url(result)

    def done(self, result: Any) -> HttpResponse:
        """Answer after success; a page that changes in place overrides this for htmx."""
        return go(self.request, self.after(result))


__all__ = [
    "Action",
    "ActionView",
    "ConsoleView",
    "DetailPage",
    "EditPage",
    "Empty",
    "ListPage",
    "ObjectView",
    "go",
]
