"""Addresses of the instances' pages, under /console/<organization>/<environment>/apis/."""

from django.urls import path

from portal.apis import add_views, bulk_views, deprecation_views, part_views, views

app_name = "apis"

urlpatterns = [
    path("", views.InstanceList.as_view(), name="list"),
    path("new/", add_views.AddGateway.as_view(), name="create"),
    path("new/gateway/", add_views.AddGateway.as_view(), name="add_gateway"),
    path("new/api/", add_views.AddApi.as_view(), name="add_api"),
    path("new/endpoint/", add_views.AddEndpoint.as_view(), name="add_endpoint"),
    path("new/review/", add_views.AddReview.as_view(), name="add_review"),
    path("new/cancel/", add_views.AddCancel.as_view(), name="add_cancel"),
    path("bulk/<slug:action>/", bulk_views.InstanceBulk.as_view(), name="bulk"),
    path("<uuid:pk>/", views.InstanceDetail.as_view(), name="detail"),
    path("<uuid:pk>/settings/", views.InstanceSettings.as_view(), name="settings"),
    path("<uuid:pk>/stop/", views.InstanceStop.as_view(), name="stop"),
    path("<uuid:pk>/start/", views.InstanceStart.as_view(), name="start"),
    path("<uuid:pk>/deprecate/", deprecation_views.InstanceDeprecate.as_view(), name="deprecate"),
    path("<uuid:pk>/undeprecate/", deprecation_views.InstanceUndeprecate.as_view(), name="undeprecate"),
    path("of-api/<uuid:pk>/deprecate/", deprecation_views.VersionDeprecate.as_view(), name="deprecate_version"),
    path("<uuid:pk>/delete/", views.InstanceDelete.as_view(), name="delete"),
    path("<uuid:pk>/routes/new/", part_views.RouteCreate.as_view(), name="route_create"),
    path("routes/<uuid:pk>/edit/", part_views.RouteEdit.as_view(), name="route_edit"),
    path("routes/<uuid:pk>/delete/", part_views.RouteDelete.as_view(), name="route_delete"),
    path("routes/<uuid:pk>/place/", part_views.RoutePlace.as_view(), name="route_place"),
    path("routes/<uuid:pk>/earlier/", part_views.RouteEarlier.as_view(), name="route_earlier"),
    path("routes/<uuid:pk>/later/", part_views.RouteLater.as_view(), name="route_later"),
    path("<uuid:pk>/services/new/", part_views.ServiceCreate.as_view(), name="service_create"),
    path("services/<uuid:pk>/edit/", part_views.ServiceEdit.as_view(), name="service_edit"),
    path("services/<uuid:pk>/delete/", part_views.ServiceDelete.as_view(), name="service_delete"),
]
