"""Addresses of the gateways' pages, under /console/<organization>/<environment>/gateways/."""

from django.urls import path

from portal.gateways import listener_views, registration_views, settings_views, views

app_name = "gateways"

urlpatterns = [
    path("", views.GatewayList.as_view(), name="list"),
    path("new/", registration_views.GatewayCreate.as_view(), name="create"),
    path("<uuid:pk>/", views.GatewayDetail.as_view(), name="detail"),
    path("<uuid:pk>/live/", views.GatewayLive.as_view(), name="live"),
    path("<uuid:pk>/edit/", views.GatewayEdit.as_view(), name="edit"),
    path("<uuid:pk>/delete/", views.GatewayDelete.as_view(), name="delete"),
    path("<uuid:pk>/replicas/new/", registration_views.RegistrationTokenCreate.as_view(), name="replica_add"),
    path("<uuid:pk>/registration/renew/", registration_views.RegistrationRenew.as_view(), name="registration_renew"),
    path("<uuid:pk>/registration/revoke/", registration_views.RegistrationRevoke.as_view(), name="registration_revoke"),
    path("<uuid:pk>/settings/", settings_views.GatewaySettingsEdit.as_view(), name="settings"),
    path("<uuid:pk>/settings/reset/", settings_views.GatewaySettingsReset.as_view(), name="settings_reset"),
    path("<uuid:pk>/listeners/new/", listener_views.ListenerCreate.as_view(), name="listener_create"),
    path("listeners/<uuid:pk>/edit/", listener_views.ListenerEdit.as_view(), name="listener_edit"),
    path("listeners/<uuid:pk>/delete/", listener_views.ListenerDelete.as_view(), name="listener_delete"),
]
