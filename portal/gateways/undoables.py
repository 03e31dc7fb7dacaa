"""What of gateways can be taken back."""

from typing import Any

from portal.audit.undo import Thing, register, still_there
from portal.gateways.models import Gateway, Listener
from portal.gateways.services import gateway_update, listener_create, listener_delete


def _gateway(gateway: Gateway) -> dict[str, Any]:
    names = ("name", "public_host", "sampled_percent")
    return {name: getattr(gateway, name) for name in names}


def _listener(listener: Listener) -> dict[str, Any]:
    return {"gateway": listener.gateway_id, "name": listener.name, "host": listener.host, "port": listener.port}


def _open_again(actor: Any, state: dict[str, Any]) -> None:
    listener_create(actor=actor, **{**state, "gateway": still_there(Gateway, state["gateway"])})


register(
    Thing(
        name="gateway",
        permission="gateway.change",
        argument="gateway",
        model=Gateway,
        state=_gateway,
        change=lambda actor, gateway, state: gateway_update(actor=actor, gateway=gateway, **state),
    )
)
register(
    Thing(
        name="listener",
        permission="gateway.change",
        argument="listener",
        model=Listener,
        state=_listener,
        create=_open_again,
        remove=lambda actor, listener: listener_delete(actor=actor, listener=listener),
    )
)
