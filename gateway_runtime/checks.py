"""What the portal asks the engine before it publishes: could this be served? What answers is what serves it."""

from __future__ import annotations

from datetime import datetime

from gateway_runtime.schema.document import Tls
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.tls.compiled import compile_tls
from gateway_runtime.tls.passphrase import NotOpened, plain_key

__all__ = ["NotOpened", "check_tls", "plain_key"]


def check_tls(tls: Tls, now: datetime | None) -> None:
    """Raise `ConfigFault` where a listener cannot speak TLS like this. Without `now` no dates are looked at."""
    try:
        compile_tls("", tls, "", now)
    except ConfigFault as fault:
        raise ConfigFault(fault.path.removeprefix("."), fault.code, fault.message) from fault
