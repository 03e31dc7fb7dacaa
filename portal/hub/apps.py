"""The developer hub as an application of Django."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """Pages for those who use APIs."""

    name = "portal.hub"
    verbose_name = "Developer hub"
