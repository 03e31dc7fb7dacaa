"""Addresses of the catalog's pages, under /console/<organization>/<environment>/catalog/."""

from django.urls import path

from portal.catalog import views

app_name = "catalog"

urlpatterns = [
    path("", views.ApiList.as_view(), name="list"),
    path("new/", views.ApiCreate.as_view(), name="create"),
    path("import/", views.ApiImport.as_view(), name="import"),
    path("<uuid:pk>/", views.ApiDetail.as_view(), name="detail"),
    path("<uuid:pk>/edit/", views.ApiEdit.as_view(), name="edit"),
    path("<uuid:pk>/delete/", views.ApiDelete.as_view(), name="delete"),
    path("<uuid:pk>/versions/new/", views.VersionCreate.as_view(), name="version_create"),
    path("versions/<uuid:pk>/edit/", views.VersionEdit.as_view(), name="version_edit"),
    path("versions/<uuid:pk>/delete/", views.VersionDelete.as_view(), name="version_delete"),
    path("versions/<uuid:pk>/specification/", views.SpecificationPage.as_view(), name="specification"),
    path("versions/<uuid:pk>/specification/source/", views.SpecificationSource.as_view(), name="specification_source"),
    path("versions/<uuid:pk>/specification/edit/", views.SpecificationEdit.as_view(), name="specification_edit"),
]
