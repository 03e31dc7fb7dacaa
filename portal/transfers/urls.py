"""Addresses of exporting, importing and promoting, under /console/<organization>/<environment>/apis/."""

from django.urls import path

from portal.transfers import import_views, promotion_views, views

app_name = "transfers"

urlpatterns = [
    path("import/", import_views.InstancesImport.as_view(), name="import"),
    path("promote/", promotion_views.InstancesPromote.as_view(), name="promote"),
    path("export/", views.InstancesExport.as_view(), name="export"),
]
