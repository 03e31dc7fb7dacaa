"""Every address of the portal."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from portal.core.find import Find
from portal.core.health import livez, readyz
from portal.core.home import ConsoleHome
from portal.core.saved_view_pages import SavedViewDelete, SavedViewSave, SavedViewUsual
from portal.organizations.front_door import home

CONSOLE = "console/<slug:organization>/<slug:environment>/"


urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("favicon.ico", RedirectView.as_view(url="/static/img/portico.svg", permanent=True)),
    path("", include("portal.accounts.urls")),
    path("saved-views/", SavedViewSave.as_view(), name="saved_view_save"),
    path("saved-views/<uuid:pk>/usual/", SavedViewUsual.as_view(), name="saved_view_usual"),
    path("saved-views/<uuid:pk>/delete/", SavedViewDelete.as_view(), name="saved_view_delete"),
    path(CONSOLE, ConsoleHome.as_view(), name="console_home"),
    path(CONSOLE + "find/", Find.as_view(), name="find"),
    path(CONSOLE + "gateways/<uuid:gateway_pk>/revisions/", include("portal.publishing.urls")),
    path(CONSOLE + "who-runs-what/", include("portal.publishing.environment_urls")),
    path(CONSOLE + "gateways/", include("portal.gateways.urls")),
    path(CONSOLE + "certificates/", include("portal.gateways.certificate_urls")),
    path(CONSOLE + "apis/<uuid:instance_pk>/policies/", include("portal.policies.urls")),
    path(CONSOLE + "policies/", include("portal.policies.automated_urls")),
    path(CONSOLE + "apis/", include("portal.transfers.urls")),
    path(CONSOLE + "apis/", include("portal.landscape.urls")),
    path(CONSOLE + "apis/", include("portal.apis.urls")),
    path(CONSOLE + "catalog/", include("portal.catalog.urls")),
    path(CONSOLE + "contracts/", include("portal.contracts.urls")),
    path(CONSOLE + "analytics/", include("portal.analytics.urls")),
    path(CONSOLE + "alerts/", include("portal.alerts.urls")),
    path(CONSOLE + "traces/", include("portal.traces.urls")),
    path(CONSOLE, include("portal.organizations.urls")),
    path(CONSOLE + "audit/", include("portal.audit.urls")),
    path("hub/", include("portal.hub.urls")),
    path("docs/", include("portal.docs.urls")),
    path("api/v1/", include("portal.api_urls")),
]

handler400 = "portal.core.error_pages.bad_request"
handler403 = "portal.core.error_pages.forbidden"
handler404 = "portal.core.error_pages.not_found"
handler500 = "portal.core.error_pages.server_error"
