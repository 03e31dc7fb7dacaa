"""Addresses of what concerns the revisions of all gateways of an environment, below /revisions/."""

from django.urls import path

from portal.publishing import rollout_views

app_name = "fleet"
urlpatterns = [path("", rollout_views.EnvironmentDriftPage.as_view(), name="drift")]
