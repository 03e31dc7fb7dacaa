"""Which ports a listener may take."""

import errno
import socket
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway, Listener

ADMIN_PORT = 9998
# Longer than a busy machine takes to collect a heartbeat: where a gateway runs does not change in a minute.
RAN_HERE_WITHIN = timedelta(minutes=5)


def reserved_ports() -> dict[int, str]:
    """Return the ports that Portico itself uses, with what uses each."""
    ports = {
        ADMIN_PORT: "the gateway's admin port",
        int(settings.GATEWAY_ADMIN.rpartition(":")[2]): "the gateway's admin port",
        settings.PORTAL_PORT: "the portal",
    }
    redis = urlsplit(settings.REDIS_URL)
    if redis.scheme != "unix":
        ports[redis.port or 6379] = "Redis"
    return ports


def port_check(port: int, *, gateway: Gateway, field: str = "port") -> None:
    """Raise `ApplicationError` unless `gateway` may open a listener on `port`."""
    if not 1 <= port <= 65535:
        raise ApplicationError(
            "port_out_of_range", "Choose a port from 1 to 65535.", fields={field: "Choose a port from 1 to 65535."}
        )
    if user := reserved_ports().get(port):
        sentence = f"Port {port} is used by {user}. Choose another port, for example {settings.GATEWAY_PORT}."
        raise ApplicationError("port_reserved", sentence, fields={field: sentence})
    if _runs_here(gateway) and _is_taken_here(port):
        sentence = f"Port {port} is used by another program on {socket.gethostname()}. Stop it or choose another port."
        raise ApplicationError("port_in_use", sentence, fields={field: sentence})


def probe_port(gateway: Gateway) -> int:
    """Return the port on which a gateway answers probes, 0 for none."""
    return int((gateway.settings.get("probe") or {}).get("port") or 0)


def _runs_here(gateway: Gateway) -> bool:
    """Tell whether a replica runs on this machine, so that its ports can be looked at from here."""
    since = timezone.now() - RAN_HERE_WITHIN
    return gateway.replicas.filter(host=socket.gethostname(), stopping=False, seen_at__gte=since).exists()


def _is_taken_here(port: int) -> bool:
    with socket.socket() as probe:
        # As a gateway opens it: a port that only waits for old connections to end is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def port_warning(*, gateway: Gateway, port: int) -> str:
    """Return a sentence when another gateway of the installation listens on `port` too, else an empty text.

    It is no fault: the other gateway may run on another machine.
    """
    others = Listener.objects.filter(port=port).exclude(gateway=gateway).select_related("gateway")
    names = sorted({listener.gateway.name for listener in others if _same_organization(listener, gateway)})
    if not names:
        return ""
    return (
        f"Port {port} is also used by gateway {', '.join(names)}. "
        "That works only when the two run on different machines."
    )


def _same_organization(listener: Listener, gateway: Gateway) -> bool:
    return listener.gateway.environment.organization_id == gateway.environment.organization_id
