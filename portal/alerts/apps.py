"""Alerts."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Alerts, webhooks and notices."""

    name = "portal.alerts"
