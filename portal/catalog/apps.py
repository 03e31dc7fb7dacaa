"""The catalog's application."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """APIs, versions and specifications."""

    name = "portal.catalog"
