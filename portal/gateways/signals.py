"""The only signal of the domain: lower apps say that a gateway's configuration changed, publishing acts on it."""

from django.dispatch import Signal

from portal.gateways.models import Gateway

_configuration_changed = Signal()
receiver_connect = _configuration_changed.connect


def gateway_configuration_changed(
    *, gateway: Gateway, actor: object = None, message: str = "", waits: bool = True
) -> None:
    """Say, inside the transaction of the change, that `gateway` needs a new revision and why (for its history).

    `waits` tells that a held gateway lets the change wait: so it is with APIs, policies, listeners and settings,
    and not with contracts and what else holds at once.
    """
    _configuration_changed.send(sender=Gateway, gateway=gateway, actor=actor, message=message, waits=waits)
