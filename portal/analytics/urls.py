"""Addresses of the analytics pages."""

from django.urls import path

from portal.analytics.views import EnvironmentDashboard, InstanceDashboard

app_name = "analytics"
urlpatterns = [
    path("", EnvironmentDashboard.as_view(), name="dashboard"),
    path("apis/<uuid:pk>/", InstanceDashboard.as_view(), name="instance"),
]
