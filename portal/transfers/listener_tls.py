"""What a file says of the TLS of a listener, and what of that another gateway has otherwise. Keys are in no file."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_runtime.declarative import FileFault
from portal.apis.models import ApiInstance
from portal.gateways.models import Gateway, Protocol
from portal.transfers.incoming import Incoming

_HOSTS = "hosts"
_MOST_HOSTS = 5
# Too long to be told.
_LONG = 40


def tls_said(instance: ApiInstance) -> str:
    """Return what a file says of the TLS under which an instance is reached, empty for plain text.

    Terms are those that are not as usual, in the words of the policy `tls`; hosts those of the certificates.
    """
    listener = instance.listener
    if listener.protocol != Protocol.HTTPS:
        return ""
    return json.dumps({_HOSTS: _hosts(instance), **listener.tls}, sort_keys=True)


def tls_note(instance: ApiInstance) -> str:
    """Return what somebody should know who takes the file to a gateway without a portal, empty for plain text."""
    listener = instance.listener
    if listener.protocol != Protocol.HTTPS:
        return ""
    return (
        f"{instance} is served over HTTPS on port {listener.port}{_for_hosts(_hosts(instance))}. Certificate and key "
        "are not in the file: for a gateway without a portal begin its address with https and bind the policy tls."
    )


def tls_read(text: str) -> dict[str, Any] | None:
    """Return what a file says of TLS, None where it says nothing."""
    if not text:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}


def tls_notes(instances: Iterable[Incoming], gateway: Gateway) -> list[FileFault]:
    """Return what of the TLS that files tell of is another on a gateway, once for each port."""
    listeners = {listener.port: listener for listener in gateway.listeners.all()}
    notes: dict[int, FileFault] = {}
    for each in instances:
        if each.listener_tls is None or each.place is None or each.port in notes:
            continue
        listener = listeners.get(each.port)
        sentence = ""
        if listener is None or listener.protocol != Protocol.HTTPS:
            sentence = (
                f"Where this was exported, port {each.port} spoke HTTPS{_for_hosts(each.listener_tls.get(_HOSTS))}. "
                f"On {gateway} it speaks HTTP: give its listener a certificate and the same TLS."
            )
        elif told := _differences(each.listener_tls, listener.tls):
            sentence = f"Where this was exported, port {each.port} had other TLS than on {gateway}: {told}."
        if sentence:
            notes[each.port] = each.place.fault(sentence, "listener_tls")
    return list(notes.values())


def _hosts(instance: ApiInstance) -> list[str]:
    uses = instance.listener.certificates.all()
    return list(dict.fromkeys(name for use in uses for name in (use.names or use.certificate.names)))


def _for_hosts(hosts: Any) -> str:
    if not isinstance(hosts, list) or not hosts:
        return ""
    more = f" and {len(hosts) - _MOST_HOSTS} more" if len(hosts) > _MOST_HOSTS else ""
    return f" for {', '.join(map(str, hosts[:_MOST_HOSTS]))}{more}"


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    names = [name for name in dict.fromkeys([*there, *here]) if name != _HOSTS and there.get(name) != here.get(name)]
    return "; ".join(f"{name} {_told(there.get(name))} there, {_told(here.get(name))} here" for name in names)


def _told(value: Any) -> str:
    if value is None:
        return "as usual"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONG and "\n" not in text else "set"
