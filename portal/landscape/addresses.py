"""Where API instances can be called, so that the address of a service tells which of them it is."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings as configured

from portal.gateways.models import Gateway

if TYPE_CHECKING:
    from portal.landscape.selectors import Place

_PORTS = {"http": 80, "https": 443}
# Names of the machine itself.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - only compared

# Host, port and the path with which the requests begin.
Address = tuple[str, int, str]


def gateway_hosts(gateways: Iterable[Any]) -> dict[Any, set[str]]:
    """Return the names under which gateways of some ids are known."""
    found = Gateway.objects.filter(pk__in=gateways).prefetch_related("replicas")
    return {
        each.pk: {
            _host(host)
            for host in (
                each.public_host or configured.GATEWAY_HOST,
                *(replica.host for replica in each.replicas.all()),
            )
            if host
        }
        for each in found
    }


class Addresses:
    """The addresses of some instances, on gateways of which the names are given."""

    def __init__(self, places: Iterable["Place"], hosts: Mapping[Any, set[str]]) -> None:
        self._found: dict[tuple[str, int], list[tuple[str, Place]]] = {}
        for place in places:
            for host, port, path in set(_of_place(place, hosts[place.gateway_id])):
                self._found.setdefault((host, port), []).append((path, place))
        for there in self._found.values():
            # Of several the one that says most is meant.
            there.sort(key=lambda each: -len(each[0]))

    def called_by(self, url: str, settings: Mapping[str, Any]) -> list["Place"]:
        """Return the instances that a service with this address and these settings stands for."""
        called: dict[object, Place] = {}
        for host, port, path in _of_service(url, settings):
            for base, place in self._found.get((host, port), ()):
                if f"{path}/".startswith(f"{base}/"):
                    called[place.pk] = place
                    break
        return list(called.values())


def _of_place(place: "Place", hosts: set[str]) -> Iterator[Address]:
    if place.consumer_endpoint and (found := _address(place.consumer_endpoint)) is not None:
        yield found
    path = place.base_path.rstrip("/")
    for host in hosts:
        yield host, place.port, path
    if place.listener_host not in _ANY:
        yield _host(place.listener_host), place.port, path


def _of_service(url: str, settings: Mapping[str, Any]) -> Iterator[Address]:
    main = _address(url)
    if main is None:
        return
    yield main
    for target in settings.get("targets", ()):
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
