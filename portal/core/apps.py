"""What must be loaded as soon as Django is."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The base of all other apps."""

    name = "portal.core"

    def ready(self) -> None:
        """Make our Celery application the current one, so that tasks of the apps are registered with it."""
        import portal.celery  # noqa: F401
