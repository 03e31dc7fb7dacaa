"""The console's pages about the catalog."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from portal.catalog.forms import (
    ApiCreateForm,
    ApiForm,
    ApiImportForm,
    ApiVersionEditForm,
    ApiVersionForm,
    SpecificationForm,
)
from portal.catalog.models import Api, ApiVersion, Specification
from portal.catalog.selectors import specification_operations
from portal.catalog.services import (
    api_create,
    api_delete,
    api_import,
    api_update,
    api_version_create,
    api_version_delete,
    api_version_update,
    specification_import,
)
from portal.core.commands import Rest
from portal.core.filters import ConsoleFilterSet
from portal.core.links import console_url
from portal.core.markdown import markdown_html
from portal.core.tables import Column, Table
from portal.core.views import Action, ActionView, Breadcrumb, DetailPage, EditPage, Empty, ListPage

APIS = Api.objects.select_related("organization").prefetch_related("versions__specification")
VERSIONS = ApiVersion.objects.select_related("api__organization", "specification")
CATALOG: tuple[Breadcrumb, ...] = (("Catalog", "catalog:list"),)


class ApiFilter(ConsoleFilterSet):
    """Filters of the catalog."""

    class Meta:
        model = Api
        fields = ("layer", "visibility")


class ApiTable(Table):
    """APIs with their versions."""

    caption = "APIs of the catalog"
    columns = (
        Column("name", "Name", url_name="catalog:detail", sort="name"),
        Column("summary", "Summary"),
        Column("get_layer_display", "Layer", sort="layer"),
        Column("visibility", "Visibility", render=lambda row: row.visibility.capitalize(), sort="visibility"),
        Column("versions", "Versions", render=lambda row: ", ".join(item.version for item in row.versions.all())),
        Column("updated_at", "Changed", sort="updated_at"),
        Column("slug", "Short name", sort="slug", extra=True),
        Column("created_at", "Added", sort="created_at", extra=True),
        Column("id", "Id", extra=True),
    )


class ApiList(ListPage):
    """All APIs of the organization."""

    queryset = APIS
    permission = "api.view"
    title = "Catalog"
    subtitle = "Every API of the organization with its versions and specifications. Nothing here carries traffic yet."
    table = ApiTable
    filters = ApiFilter
    search_fields = ("name", "summary", "slug")
    actions = (
        Action(label="Import specification", url_name="catalog:import", permission="api.change", icon="file-import"),
        Action(label="Add by name", url_name="catalog:create", permission="api.change", primary=False),
    )
    empty = Empty(
        title="No APIs yet",
        text="Import an OpenAPI document and its title, version and description are taken over.",
        icon="books",
    )


class ApiPage:
    """What pages of one API share."""

    def success_url(self, result: Any) -> str:
        """Go to the page of the API."""
        api = result if isinstance(result, Api) else getattr(result, "api", None) or self.object
        return console_url(self.request, "catalog:detail", api.pk)  # type: ignore[attr-defined]

    def cancel_url(self) -> str:
        """Go back to the API, or to the catalog."""
        api = getattr(self.object, "api", self.object)
        if api is None:
            return console_url(self.request, "catalog:list")  # type: ignore[attr-defined]
        return console_url(self.request, "catalog:detail", api.pk)  # type: ignore[attr-defined]

    def breadcrumbs(self) -> list[Breadcrumb]:
        """Lead back to the API, where there is one."""
        above = super().breadcrumbs()  # type: ignore[misc]
        api = getattr(self.object, "api", self.object)
        return above if api is None else [*above, (str(api), console_url(self.request, "catalog:detail", api.pk))]  # type: ignore[attr-defined]

    object: Any


class ApiDetail(DetailPage):
    """One API with its versions."""

    template_name = "catalog/detail.html"
    queryset = APIS
    permission = "api.view"
    parents = CATALOG
    place = "api"
    actions = (
        Action(
            label="Add version",
            url_name="catalog:version_create",
            permission="api.change",
            icon="plus",
            primary=False,
            with_object=True,
        ),
        Action(label="Edit", url_name="catalog:edit", permission="api.change", primary=False, with_object=True),
    )

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the versions."""
        description = markdown_html(self.object.description)
        return super().get_context(versions=self.object.versions.all(), description=description, **context)


class ApiCreate(ApiPage, EditPage):
    """Add an API by name."""

    rest = Rest("POST", "/apis/")
    queryset = Api.objects.select_related("organization")
    permission = "api.change"
    title = "Add API by name"
    subtitle = "Without a specification. You can add one to the version later."
    parents = CATALOG
    form_class = ApiCreateForm
    service = api_create
    submit_label = "Add API"
    message = "The API is in the catalog."

    def service_arguments(self) -> dict[str, Any]:
        """Add it to the organization of the address."""
        return {"organization": self.environment.organization}


class ApiImport(ApiPage, EditPage):
    """Add an API as its specification describes it."""

    rest = Rest("POST", "/apis/import/")
    queryset = Api.objects.select_related("organization")
    permission = "api.change"
    title = "Import specification"
    subtitle = "Name, version and description come from the document. An API of the same name gets a further version."
    parents = CATALOG
    form_class = ApiImportForm
    service = api_import
    submit_label = "Import"
    message = "The specification is imported."

    def service_arguments(self) -> dict[str, Any]:
        """Add it to the organization of the address."""
        return {"organization": self.environment.organization}


class ApiEdit(ApiPage, EditPage):
    """Change an API."""

    rest = Rest("PATCH", "/apis/{object.pk}/")
    template_name = "catalog/edit.html"
    queryset = Api.objects.select_related("organization")
    permission = "api.change"
    parents = CATALOG
    form_class = ApiForm
    service = api_update

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present values."""
        return {"initial": {name: getattr(self.object, name) for name in ApiForm.base_fields}}


class ApiDelete(ApiPage, ActionView):
    """Remove an API."""

    rest = Rest("DELETE", "/apis/{object.pk}/")
    queryset = Api.objects.select_related("organization")
    permission = "api.change"
    service = api_delete
    message = "{object} is removed from the catalog."
    success_url_name = "catalog:list"


class VersionCreate(ApiPage, EditPage):
    """Add a version to an API."""

    rest = Rest("POST", "/api-versions/", takes_object=True)
    queryset = Api.objects.select_related("organization")
    permission = "api.change"
    title = "Add version"
    parents = CATALOG
    form_class = ApiVersionForm
    service = api_version_create
    submit_label = "Add version"
    message = "The version is in the catalog."


class VersionEdit(ApiPage, EditPage):
    """Say how far a version is."""

    rest = Rest("PATCH", "/api-versions/{object.pk}/")
    template_name = "catalog/version_edit.html"
    queryset = VERSIONS
    permission = "api.change"
    parents = CATALOG
    form_class = ApiVersionEditForm
    object_name = "api_version"
    service = api_version_update

    def form_arguments(self) -> dict[str, Any]:
        """Begin with the present value."""
        return {"initial": {"lifecycle": self.object.lifecycle}}


class VersionDelete(ApiPage, ActionView):
    """Remove a version."""

    rest = Rest("DELETE", "/api-versions/{object.pk}/")
    queryset = VERSIONS
    permission = "api.change"
    object_name = "api_version"
    service = api_version_delete
    message = "{object} is removed."


class SpecificationEdit(ApiPage, EditPage):
    """Import or replace the specification of a version."""

    rest = Rest("PUT", "/api-versions/{object.pk}/specification/", file="openapi.yaml")
    queryset = VERSIONS
    permission = "api.change"
    parents = CATALOG
    form_class = SpecificationForm
    object_name = "api_version"
    service = specification_import
    submit_label = "Import"
    message = "The specification is imported."

    def shown_besides(self) -> dict[str, str]:
        """Return the document that the import replaces."""
        present = getattr(self.object, "specification", None)
        return {"Document": f"OpenAPI {present.openapi}, SHA-256 {present.digest}" if present is not None else ""}

    def history_of(self) -> Any:
        """Return the specification, whose imports are recorded, or the version while it has none."""
        return getattr(self.object, "specification", self.object)

    def page_title(self) -> str:
        """Say whose it is."""
        return f"Specification of {self.object}"

    def success_url(self, result: Specification) -> str:
        """Show what was imported."""
        return console_url(self.request, "catalog:specification", self.object.pk)


class SpecificationPage(ApiPage, DetailPage):
    """A specification: its operations, and its text."""

    template_name = "catalog/specification.html"
    queryset = VERSIONS.filter(specification__isnull=False)
    permission = "api.view"
    parents = CATALOG

    def page_title(self) -> str:
        """Say whose it is."""
        return f"Specification of {self.object}"

    def get_context(self, **context: Any) -> dict[str, Any]:
        """Add the operations."""
        specification = self.object.specification
        return super().get_context(
            specification=specification, groups=specification_operations(specification), **context
        )


class SpecificationSource(DetailPage):
    """The text of a specification, to download."""

    queryset = VERSIONS.filter(specification__isnull=False)
    permission = "api.view"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the text as it was imported."""
        version = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        source = version.specification.source
        ending = "json" if source.lstrip().startswith("{") else "yaml"
        response = HttpResponse(source, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{version.api.slug}.{ending}"'
        return response
