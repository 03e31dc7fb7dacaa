"""Addresses of traces, under /console/<organization>/<environment>/traces/."""

from django.urls import path

from portal.traces import rehearsal_views, views

app_name = "traces"
urlpatterns = [
    path("", views.TraceList.as_view(), name="list"),
    path("why/", views.Why.as_view(), name="why"),
    path("apis/<uuid:pk>/", views.InstanceTraces.as_view(), name="instance"),
    path("apis/<uuid:pk>/start/", views.TraceStart.as_view(), name="start"),
    path("apis/<uuid:pk>/try/", rehearsal_views.RehearsalPage.as_view(), name="rehearsal"),
    path("<slug:pk>/", views.TraceDetail.as_view(), name="detail"),
]
