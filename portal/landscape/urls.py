"""Addresses of the map, under /console/<organization>/<environment>/apis/."""

from django.urls import path

from portal.landscape import views

app_name = "landscape"

urlpatterns = [
    path("map/", views.LandscapePage.as_view(), name="map"),
    path("<uuid:pk>/calls/", views.InstanceCalls.as_view(), name="calls"),
    path("<uuid:pk>/callers/", views.CallersEdit.as_view(), name="callers"),
]
