"""Addresses of an environment's automated policies."""

from django.urls import path

from portal.policies import automated_views as views

app_name = "automated_policies"
urlpatterns = [
    path("", views.AutomatedList.as_view(), name="list"),
    path("add/", views.AutomatedChoice.as_view(), name="add"),
    path("add/<slug:policy>/", views.AutomatedApply.as_view(), name="apply"),
    path("<uuid:pk>/", views.AutomatedDetail.as_view(), name="detail"),
    path("<uuid:pk>/edit/", views.AutomatedEdit.as_view(), name="edit"),
    path("<uuid:pk>/enable/", views.AutomatedEnable.as_view(), name="enable"),
    path("<uuid:pk>/disable/", views.AutomatedDisable.as_view(), name="disable"),
    path("<uuid:pk>/enforce/", views.AutomatedEnforce.as_view(), name="enforce"),
    path("<uuid:pk>/remove/", views.AutomatedRemove.as_view(), name="remove"),
    path("<uuid:pk>/place/", views.AutomatedPlace.as_view(), name="place"),
    path("<uuid:pk>/earlier/", views.AutomatedEarlier.as_view(), name="earlier"),
    path("<uuid:pk>/later/", views.AutomatedLater.as_view(), name="later"),
]
