"""Addresses of contracts and tiers in the console."""

from django.urls import path

from portal.contracts import views

app_name = "contracts"
urlpatterns = [
    path("", views.ContractList.as_view(), name="list"),
    path("<uuid:pk>/", views.ContractDetail.as_view(), name="detail"),
    path("<uuid:pk>/approve/", views.ContractApprove.as_view(), name="approve"),
    path("<uuid:pk>/reject/", views.ContractReject.as_view(), name="reject"),
    path("<uuid:pk>/revoke/", views.ContractRevoke.as_view(), name="revoke"),
    path("<uuid:pk>/restore/", views.ContractRestore.as_view(), name="restore"),
    path("<uuid:pk>/delete/", views.ContractDelete.as_view(), name="delete"),
    path("tiers/of/<uuid:instance_pk>/add/", views.TierCreate.as_view(), name="tier_create"),
    path("tiers/<uuid:pk>/", views.TierEdit.as_view(), name="tier_edit"),
    path("tiers/<uuid:pk>/delete/", views.TierDelete.as_view(), name="tier_delete"),
]
