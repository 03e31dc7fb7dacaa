"""How the targets of an API instance are, as its replicas see them now."""

from dataclasses import dataclass

from portal.apis.models import ApiInstance, Service
from portal.apis.service_settings import UnusableService, service_document
from portal.publishing.notices import connected_replicas

# The worst first: what any replica says of a target is shown.
_WORST = ("unhealthy", "ejected", "healthy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One target of a service. `state` is empty where no replica watches it; `hosts` are those who say so."""

    service: Service
    target: str
    state: str
    hosts: tuple[str, ...]

    @property
    def checked(self) -> bool:
        """Tell whether anything would tell of its health: a check, or another target to go to instead."""
        settings = self.service.settings
        return bool(settings.get("targets")) or "healthCheck" in settings or "outliers" in settings


def instance_targets(instance: ApiInstance) -> list[Seen]:
    """Return every target of an instance with the worst that a connected replica thinks of it."""
    said: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for status in connected_replicas(instance.gateway_id):
        for each in status.targets:
            said.setdefault((each.service, each.target), []).append((each.state, status.host))
    return [
        _seen(service, target, said.get((str(service.pk), target), []))
        for service in instance.services.all()
        for target in _targets(service)
    ]


def _targets(service: Service) -> list[str]:
    try:
        document, _ = service_document(service)
    except UnusableService:
        return []
    return [f"{target.host}:{target.port}" for target in document.targets]


def _seen(service: Service, target: str, said: list[tuple[str, str]]) -> Seen:
    worst = next((state for state in _WORST if any(state == each for each, _ in said)), "")
    hosts = tuple(sorted({host for state, host in said if state == worst}))
    return Seen(service=service, target=target, state=worst, hosts=hosts)
