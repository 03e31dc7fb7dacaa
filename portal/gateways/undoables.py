"""What of gateways can be taken back."""

import json
from typing import Any

from portal.audit.undo import Thing, register, still_there
from portal.core.setting_forms.secrets import joined
from portal.gateways.listener_services import CertificateUse, listener_create, listener_delete, listener_update
from portal.gateways.models import Certificate, Gateway, Listener
from portal.gateways.services import gateway_update
from portal.gateways.settings import NAMES
from portal.gateways.settings_services import gateway_settings_update


def _gateway(gateway: Gateway) -> dict[str, Any]:
    names = ("name", "public_host", "sampled_percent")
    return {name: getattr(gateway, name) for name in names}


def _listener(listener: Listener) -> dict[str, Any]:
    names = ("name", "host", "port", "protocol", "tls", "proxy_protocol")
    return {
        "gateway": listener.gateway_id,
        **{name: getattr(listener, name) for name in names},
        "certificates": [[str(use.certificate_id), use.names] for use in listener.certificates.all()],
    }


def _listener_arguments(state: dict[str, Any]) -> dict[str, Any]:
    """Return a description as the services take it, without the gateway."""
    uses = [CertificateUse(still_there(Certificate, pk), names) for pk, names in state["certificates"]]
    return {**{name: value for name, value in state.items() if name != "gateway"}, "certificates": uses}


def _open_again(actor: Any, state: dict[str, Any]) -> None:
    listener_create(actor=actor, gateway=still_there(Gateway, state["gateway"]), **_listener_arguments(state))


def _listener_back(actor: Any, listener: Listener, state: dict[str, Any]) -> None:
    listener_update(actor=actor, listener=listener, **_listener_arguments(state))


def _settings(gateway: Gateway) -> dict[str, Any]:
    return joined(gateway.settings, json.loads(gateway.secrets))


def _settings_back(actor: Any, gateway: Gateway, state: dict[str, Any]) -> None:
    gateway_settings_update(actor=actor, gateway=gateway, settings={**dict.fromkeys(NAMES), **state})


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
        change=_listener_back,
        create=_open_again,
        remove=listener_delete,
    )
)
register(
    Thing(
        name="gateway settings",
        permission="gateway.change",
        argument="gateway",
        model=Gateway,
        state=_settings,
        change=_settings_back,
    )
)
