"""Addresses of an API instance's policies, below /apis/<instance>/policies/."""

from django.urls import path

from portal.policies import form_pages, views

app_name = "policies"
urlpatterns = [
    path("", views.PolicyList.as_view(), name="list"),
    path("add/", views.PolicyChoice.as_view(), name="add"),
    path("add/<slug:policy>/", form_pages.PolicyApply.as_view(), name="apply"),
    path("<uuid:pk>/", form_pages.PolicyEdit.as_view(), name="edit"),
    path("<uuid:pk>/enable/", views.PolicyEnable.as_view(), name="enable"),
    path("<uuid:pk>/enforce/", views.PolicyEnforce.as_view(), name="enforce"),
    path("<uuid:pk>/disable/", views.PolicyDisable.as_view(), name="disable"),
    path("<uuid:pk>/remove/", views.PolicyRemove.as_view(), name="remove"),
    path("<uuid:pk>/place/", views.PolicyPlace.as_view(), name="place"),
    path("<uuid:pk>/earlier/", views.PolicyEarlier.as_view(), name="earlier"),
    path("<uuid:pk>/later/", views.PolicyLater.as_view(), name="later"),
]
