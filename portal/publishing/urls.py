"""Addresses of a gateway's revisions, below /gateways/<gateway>/revisions/."""

from django.urls import path

from portal.publishing import rollout_views, views

app_name = "publishing"
urlpatterns = [
    path("", views.RevisionList.as_view(), name="list"),
    path("compare/", views.RevisionCompare.as_view(), name="compare"),
    path("deployment/", views.DeploymentFragment.as_view(), name="deployment"),
    path("hold/publish/", views.HoldPublish.as_view(), name="hold_publish"),
    path("staging/", rollout_views.StagingEdit.as_view(), name="staging"),
    path("stage/", rollout_views.RolloutStart.as_view(), name="stage"),
    path("rollout/", rollout_views.RolloutFragment.as_view(), name="rollout"),
    path("rollout/edit/", rollout_views.RolloutEdit.as_view(), name="rollout_edit"),
    path("rollout/promote/", rollout_views.RolloutPromote.as_view(), name="rollout_promote"),
    path("rollout/undo/", rollout_views.RolloutUndo.as_view(), name="rollout_undo"),
    path("drift/", rollout_views.GatewayDriftPage.as_view(), name="drift"),
    path("<uuid:pk>/", views.RevisionDetail.as_view(), name="detail"),
    path("<uuid:pk>/restore/", views.RevisionRestore.as_view(), name="restore"),
]
