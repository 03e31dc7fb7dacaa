"""What must be loaded as soon as Django is."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The base of all other apps."""

    name = "portal.core"

    def ready(self) -> None:
        """Make our Celery application the current one, and load what every app declares to be found and undone.

        The first so that tasks of the apps are registered with it.
        """
        from django.utils.module_loading import autodiscover_modules

        import portal.celery  # noqa: F401

        autodiscover_modules("findables", "undoables")
