"""APIs and their versions in the console's search."""

from portal.catalog.models import Api, ApiVersion
from portal.core.findables import Deed, Findable, register
from portal.core.links import console_url

register(
    Findable(
        name="api",
        title="Catalog",
        icon="books",
        permission="api.view",
        queryset=Api.objects,
        fields=("name", "slug"),
        note=lambda api: api.summary,
        url=lambda request, api: console_url(request, "catalog:detail", api.pk),
        deeds=(
            Deed("Edit {name}", "api.change", lambda request, api: console_url(request, "catalog:edit", api.pk)),
            Deed(
                "Add version to {name}",
                "api.change",
                lambda request, api: console_url(request, "catalog:version_create", api.pk),
            ),
        ),
        order=30,
    )
)
register(
    Findable(
        name="version",
        title="API versions",
        icon="versions",
        permission="api.view",
        queryset=ApiVersion.objects.select_related("api"),
        fields=("api__name", "version"),
        note=lambda version: version.get_lifecycle_display(),
        url=lambda request, version: console_url(request, "catalog:detail", version.api_id),
        deeds=(
            Deed(
                "Replace specification of {name}",
                "api.change",
                lambda request, version: console_url(request, "catalog:specification_edit", version.pk),
            ),
        ),
        order=35,
    )
)
