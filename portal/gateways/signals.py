"""The only signal of the domain: lower apps say that a gateway's configuration changed, publishing acts on it."""

from django.dispatch import Signal

from portal.gateways.models import Gateway

_configuration_changed = Signal()
receiver_connect = _configuration_changed.connect


def gateway_configuration_changed(*, gateway: Gateway, actor: object = None, message: str = "") -> None:
    """Say, inside the transaction of the change, that `gateway` needs a new revision and why (for its history)."""
    _configuration_changed.send(sender=Gateway, gateway=gateway, actor=actor, message=message)
