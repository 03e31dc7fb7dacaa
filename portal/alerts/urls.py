"""Addresses of alerts, under the console."""

from django.urls import path

from portal.alerts import notice_views, views

app_name = "alerts"
urlpatterns = [
    path("", views.Alerts.as_view(), name="list"),
    path("add/", views.AlertCreate.as_view(), name="create"),
    path("webhooks/", notice_views.Webhooks.as_view(), name="webhooks"),
    path("webhooks/add/", notice_views.WebhookCreate.as_view(), name="webhook_create"),
    path("webhooks/<uuid:pk>/", notice_views.WebhookDetail.as_view(), name="webhook"),
    path("webhooks/<uuid:pk>/edit/", notice_views.WebhookEdit.as_view(), name="webhook_edit"),
    path("webhooks/<uuid:pk>/rotate/", notice_views.WebhookRotate.as_view(), name="webhook_rotate"),
    path("webhooks/<uuid:pk>/test/", notice_views.WebhookTest.as_view(), name="webhook_test"),
    path("webhooks/<uuid:pk>/delete/", notice_views.WebhookDelete.as_view(), name="webhook_delete"),
    path("notices/", notice_views.Notices.as_view(), name="notices"),
    path("notices/<uuid:pk>/", notice_views.NoticeDetail.as_view(), name="notice"),
    path("notices/<uuid:pk>/send-again/", notice_views.NoticeSendAgain.as_view(), name="notice_send_again"),
    path("<uuid:pk>/", views.AlertDetail.as_view(), name="detail"),
    path("<uuid:pk>/edit/", views.AlertEdit.as_view(), name="edit"),
    path("<uuid:pk>/enable/", views.AlertEnable.as_view(), name="enable"),
    path("<uuid:pk>/disable/", views.AlertDisable.as_view(), name="disable"),
    path("<uuid:pk>/silence/", views.AlertSilence.as_view(), name="silence"),
    path("<uuid:pk>/test/", views.AlertTest.as_view(), name="test"),
    path("<uuid:pk>/delete/", views.AlertDelete.as_view(), name="delete"),
]
