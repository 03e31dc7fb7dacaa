"""Where API instances can be called, so that the address of a service tells which of them it is."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from django.conf import settings

from portal.apis.models import ApiInstance, Service

_PORTS = {"http": 80, "https": 443}
# Names of the machine itself.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only compared

# Host, port and the path with which the requests begin.
Address = tuple[str, int, str]


class Addresses:
    """The addresses of some instances."""

    def __init__(self, instances: Iterable[ApiInstance]) -> None:
        self._found: dict[tuple[str, int], list[tuple[str, ApiInstance]]] = {}
        for instance in instances:
            for host, port, path in set(_of_instance(instance)):
                self._found.setdefault((host, port), []).append((path, instance))
        for places in self._found.values():
            # Of several the one that says most is meant.
            places.sort(key=lambda place: -len(place[0]))

    def called_by(self, service: Service) -> list[ApiInstance]:
        """Return the instances that a service stands for."""
        called: dict[object, ApiInstance] = {}
        for host, port, path in _of_service(service):
            for base, instance in self._found.get((host, port), []):
                if f"{path}/".startswith(f"{base}/"):
                    called[instance.pk] = instance
                    break
        return list(called.values())


def _of_instance(instance: ApiInstance) -> Iterator[Address]:
    if instance.consumer_endpoint and (found := _address(instance.consumer_endpoint)) is not None:
        yield found
    gateway, listener = instance.gateway, instance.listener
    hosts = {gateway.public_host or settings.GATEWAY_HOST, *(replica.host for replica in gateway.replicas.all())}
    if listener.host not in _ANY:
        hosts.add(listener.host)
    for host in filter(None, hosts):
        yield _host(host), listener.port, instance.base_path.rstrip("/")


def _of_service(service: Service) -> Iterator[Address]:
    main = _address(service.url)
    if main is None:
        return
    yield main
    for target in service.settings.get("targets", ()):
        if (found := _address(target.get("address", ""))) is not None:
            # Targets share the path of the URL.
            yield found[0], found[1], main[2]


def _address(url: str) -> Address | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return _host(parts.hostname), port, parts.path.rstrip("/")


def _host(host: str) -> str:
    host = host.strip("[]").lower()
    return "localhost" if host in _HERE else host
