"""Addresses of a gateway's revisions, below /gateways/<gateway>/revisions/."""

from django.urls import path

from portal.publishing import views

app_name = "publishing"
urlpatterns = [
    path("", views.RevisionList.as_view(), name="list"),
    path("compare/", views.RevisionCompare.as_view(), name="compare"),
    path("deployment/", views.DeploymentFragment.as_view(), name="deployment"),
    path("hold/publish/", views.HoldPublish.as_view(), name="hold_publish"),
    path("<uuid:pk>/", views.RevisionDetail.as_view(), name="detail"),
    path("<uuid:pk>/restore/", views.RevisionRestore.as_view(), name="restore"),
]
