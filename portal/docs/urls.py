"""Addresses of the documentation, under /docs/."""

from django.urls import path

from portal.docs import views

app_name = "docs"
urlpatterns = [
    path("", views.index, name="index"),
    path("images/<slug:name>.png", views.picture, name="picture"),
    path("<slug:section>/<slug:slug>/", views.page, name="page"),
]
