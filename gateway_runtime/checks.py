"""What the portal asks the engine before it publishes: could this be served? What answers is what serves it."""

from __future__ import annotations

from datetime import datetime

from gateway_runtime.configuration.limits import gateway_limits, trusted_proxies
from gateway_runtime.fetching.url import parse_url
from gateway_runtime.schema.document import Surroundings, Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.tracing import Tracing
from gateway_runtime.state.connection import connector
from gateway_runtime.telemetry.access_log import check_access_log
from gateway_runtime.tls.compiled import compile_tls
from gateway_runtime.tls.passphrase import NotOpened, plain_key
from gateway_runtime.upstream.registry import proxy_of

__all__ = ["NotOpened", "check_settings", "check_tls", "plain_key"]


def check_tls(tls: Tls, now: datetime | None) -> None:
    """Raise `ConfigFault` where a listener cannot speak TLS like this. Without `now` no dates are looked at."""
    try:
        compile_tls("", tls, "", now)
    except ConfigFault as fault:
        raise ConfigFault(fault.path.removeprefix("."), fault.code, fault.message) from fault


def check_settings(document: Surroundings) -> None:
    """Raise `ConfigFault` where a gateway cannot work with what it has besides its listeners and APIs."""
    gateway_limits(document)
    trusted_proxies(document)
    proxy_of(document.forward_proxy)
    if document.shared_storage is not None:
        connector(document.shared_storage)
    if document.access_log is not None:
        check_access_log(document.access_log, "access_log")
    if document.tracing is not None:
        _check_tracing(document.tracing)


def _check_tracing(tracing: Tracing) -> None:
    if tracing.receiver is not None:
        try:
            parse_url(tracing.receiver.endpoint)
        except ValueError as error:
            raise ConfigFault("tracing.receiver.endpoint", "invalid_value", f"{error}.") from None
        for name, value in tracing.receiver.headers.items():
            if not name or not value.isprintable():
                raise ConfigFault("tracing.receiver.headers", "invalid_value", "Headers are names with texts.")
    for index, label in enumerate(tracing.labels):
        if label.type != "literal" and not label.key_name:
            message = "Name the variable or header of this label."
            raise ConfigFault(f"tracing.labels[{index}].key_name", "required", message)
