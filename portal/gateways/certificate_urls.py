"""Addresses of the certificates' pages, under /console/<organization>/<environment>/certificates/."""

from django.urls import path

from portal.gateways import certificate_views as views

app_name = "certificates"

urlpatterns = [
    path("", views.CertificateList.as_view(), name="list"),
    path("new/", views.CertificateCreate.as_view(), name="create"),
    path("<uuid:pk>/", views.CertificateDetail.as_view(), name="detail"),
    path("<uuid:pk>/edit/", views.CertificateEdit.as_view(), name="edit"),
    path("<uuid:pk>/delete/", views.CertificateDelete.as_view(), name="delete"),
]
