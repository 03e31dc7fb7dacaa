"""Publishing begins where lower apps say that a gateway's configuration changed."""

from typing import Any

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    """The only writer of gateway configuration."""

    name = "portal.publishing"

    def ready(self) -> None:
        """Connect to the domain's one signal and add the panels."""
        from portal.gateways.signals import receiver_connect
        from portal.publishing.panels import panels_register

        receiver_connect(_publish_requested, dispatch_uid="publishing")
        panels_register()


def _publish_requested(*, gateway: Any, actor: Any, message: str, waits: bool, **_: Any) -> None:
    from portal.publishing.services import publish_request

    publish_request(gateway=gateway, actor=actor, message=message, waits=waits)
