"""Addresses of exporting, importing and promoting, under /console/<organization>/<environment>/apis/."""

from django.urls import path

from portal.transfers import views

app_name = "transfers"

urlpatterns = [
    path("export/", views.InstancesExport.as_view(), name="export"),
]
