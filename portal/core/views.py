"""The generic pages of the console. An app's page is a declaration over one of them.

Every page starts from `queryset.visible_to(user, permission)` and stays inside the environment of its address:
strangers sign in, what a person may not see is 404, what they may see but not do is a 403 that names the roles.
"""

from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import cached_property

from portal.core import undo_offer
from portal.core.commands import PARAMETER, command_of, without_secrets
from portal.core.denied import Denied
from portal.core.edited import EditedMeanwhile
from portal.core.errors import ApplicationError
from portal.core.filters import ConsoleFilterSet
from portal.core.links import console_url
from portal.core.lists import Listing
from portal.core.meanwhile import ChangedMeanwhile
from portal.core.pages import Action, Breadcrumb, ConsoleView, Empty, ObjectView, Service, go
from portal.core.saved_views import SavedViews
from portal.core.tables import Table


def said(request: HttpRequest, text: str) -> None:
    """Say what was done, in a toast with “Undo” where it can be taken back."""
    made = undo_offer.take()
    if text or made is not None:
        text = text or f"{made.text}." if made is not None else text
        messages.success(request, text, extra_tags=f"{undo_offer.TAG}{made.event}" if made is not None else "")


class ListPage(ConsoleView):
    """A list with search, filters, sorting, columns, pages and saved views. Every state of it is an address."""

    template_name = "generic/list.html"
    table: ClassVar[type[Table]]
    filters: ClassVar[type[ConsoleFilterSet] | None] = None
    # Fields that `?q=` looks in; empty leaves the search box out.
    search_fields: ClassVar[tuple[str, ...]] = ()
    empty: ClassVar[Empty | None] = None
    page_size: ClassVar[int] = 50
    # A function that returns all that there is of a row, where the list can be had as JSON too.
    whole: ClassVar[Any] = None

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
        whole = type(self).whole
        if whole is not None and request.GET.get("format") == "jsonl":
            return listing.json_lines(self.page_title(), whole)
        return self.page(
            listing=listing,
            has_json_lines=whole is not None,
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


class EditPage(EditedMeanwhile, ObjectView):
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
        self.form = self.form_class(self.posted(request.POST), request.FILES, **self.form_arguments())
        if not self.form.is_valid() or not self.answered():
            return self.form_page(status=422)
        if PARAMETER in request.GET and self.rest is not None:
            return self.form_page(command=command_of(self, self.command_values()))
        undo_offer.take()
        try:
            with transaction.atomic():
                if not self.creating:
                    self.lock()
                result = self.save(self.form.cleaned_data)
                self.check_again(result)
        except ChangedMeanwhile as error:
            return self.form_page(status=error.status)
        except ApplicationError as error:
            self.form.add_application_error(error)
            return self.form_page(status=422)
        said(request, self.success_message(result))
        return self.saved(result)

    def save(self, values: dict[str, Any]) -> Any:
        """Call the service with the form's values."""
        return self.service(actor=self.request.user, **self.object_argument(), **self.service_arguments(), **values)

    def success_message(self, result: Any) -> str:
        """Return what to say afterwards; "" for nothing."""
        return self.message

    def command_values(self) -> dict[str, Any]:
        """Return what the service would get, with placeholders for secrets."""
        return {**self.service_arguments(), **without_secrets(self.form, self.form.cleaned_data)}

    def saved(self, result: Any) -> HttpResponse:
        """Answer after success; a page that shows a secret once overrides this."""
        return go(self.request, self.success_url(result))

    def check_again(self, result: Any) -> None:
        """Undo what would have moved an object to where the user may not change it."""
        if isinstance(result, self.queryset.model) and not self.get_queryset().filter(pk=result.pk).exists():
            raise Denied(self.permission, self.title)

    def form_page(self, status: int = 200, **context: Any) -> HttpResponse:
        """Answer with the form."""
        return self.page(
            status=status,
            **context,
            form=self.form,
            submit_label=self.submit_label,
            cancel_url=self.cancel_url(),
            creating=self.creating,
            **self.meanwhile_context(),
        )


class ActionView(ObjectView):
    """A button: POST calls the service with actor and object, says so and goes on.

    With `form_class`, the posted values are checked and given to the service too.
    """

    http_method_names = ["get", "post", "options"]
    template_name = "generic/command.html"
    service: ClassVar[Service]
    message: ClassVar[str] = ""
    form_class: ClassVar[type[Any] | None] = None
    # A console page to go to afterwards; by default the object's own.
    success_url_name: ClassVar[str] = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Do nothing, but show the command when that is asked for."""
        if PARAMETER not in request.GET or self.rest is None:
            return self.http_method_not_allowed(request)
        self.object = self.get_object()
        back = self.object.get_absolute_url() if hasattr(self.object, "get_absolute_url") else ""
        return self.page(command=command_of(self, self.command_values()), back=back)

    def command_values(self) -> dict[str, Any]:
        """Return what the service would get besides the object; a button's own values stand in the address."""
        form = self.form_class(self.request.GET) if self.form_class is not None else None
        posted = form.cleaned_data if form is not None and form.is_valid() else {}
        return {**self.service_arguments(), **posted}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it."""
        self.object = self.get_object()
        back = self.object.get_absolute_url() if hasattr(self.object, "get_absolute_url") else ""
        undo_offer.take()
        try:
            result = self.act(self.values())
        except ApplicationError as error:
            messages.error(request, error.message)
            return go(request, back or self.after(None))
        said(request, self.success_message(result))
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
    "Breadcrumb",
    "ConsoleView",
    "DetailPage",
    "EditPage",
    "Empty",
    "ListPage",
    "ObjectView",
    "Service",
    "go",
    "said",
]
