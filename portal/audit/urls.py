"""Addresses of the audit log, under the console."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.AuditLog.as_view(), name="list"),
    path("<uuid:pk>/undo/", views.ChangeUndo.as_view(), name="undo"),
    path("<uuid:pk>/", views.AuditDetail.as_view(), name="detail"),
]
