"""Addresses of the developer hub, under /hub/."""

from django.urls import path

from portal.hub.views import access, applications, catalog, reference, try_it

app_name = "hub"

_API = "apis/<slug:provider>/<slug:slug>/"
# A version may hold a slash.
_VERSION = f"{_API}<path:version>/"

urlpatterns = [
    path("", catalog.home, name="home"),
    path("try-it/", try_it.try_it, name="try_it"),
    path(_API, catalog.api, name="api"),
    path(f"{_API}access/", access.access_choose, name="access_choose"),
    path(f"{_API}access/<uuid:instance>/", access.access, name="access"),
    path(f"{_VERSION}reference/", reference.reference, name="reference"),
    path(f"{_VERSION}operations/", reference.operations, name="operations"),
    path(f"{_VERSION}openapi.json", reference.openapi, name="openapi"),
    path("applications/", applications.applications, name="applications"),
    path("applications/new/", applications.application_new, name="application_new"),
    path("applications/<uuid:pk>/", applications.application, name="application"),
    path("applications/<uuid:pk>/edit/", applications.application_edit, name="application_edit"),
    path("applications/<uuid:pk>/rotate/", applications.application_rotate, name="application_rotate"),
    path(
        "applications/<uuid:pk>/contracts/<uuid:contract>/withdraw/",
        applications.request_withdraw,
        name="request_withdraw",
    ),
    path("applications/<uuid:pk>/delete/", applications.application_remove, name="application_delete"),
]
