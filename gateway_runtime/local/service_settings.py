"""What a Service may say besides its address: an addition to the documented files."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from gateway_runtime.local.addresses import read_service_address
from gateway_runtime.local.form import Form
from gateway_runtime.local.place import Place
from gateway_runtime.schema import document, upstream
from gateway_runtime.schema.faults import whole
from gateway_runtime.schema.part import Part

Weight = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Made = TypeVar("Made", bound=Part)


class ServiceTarget(Form, frozen=True):
    """One more address that answers for the service."""

    address: str
    weight: Weight = 100


class Balance(Form, frozen=True):
    """Which address is asked."""

    policy: Literal["round_robin", "least_active", "consistent_hash"] | None = None
    hash_on: Literal["client", "header", "path"] | None = None
    header: str | None = None


class HealthCheck(Form, frozen=True):
    """What every address is asked now and then."""

    path: Annotated[str, msgspec.Meta(pattern=whole(r"^/[!-~]*$"), max_length=2048)] | None = None
    interval_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] | None = None
    timeout_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=60)] | None = None
    statuses: list[upstream.Status] | None = None
    unhealthy_after: upstream.AtLeastOne | None = None
    healthy_after: upstream.AtLeastOne | None = None


class Outliers(Form, frozen=True):
    """When an address that fails is passed over."""

    consecutive_failures: upstream.AtLeastOne | None = None
    consecutive_connect_failures: upstream.AtLeastOne | None = None
    statuses: list[upstream.Status] | None = None
    base_seconds: upstream.Seconds | None = None
    max_seconds: upstream.Seconds | None = None
    max_ejected_percent: upstream.Percent | None = None


class Retries(Form, frozen=True):
    """What is tried another time."""

    enabled: bool | None = None
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    failures: list[Literal["connect", "reset"]] | None = None
    statuses: list[upstream.Status] | None = None
    budget_percent: upstream.Percent | None = None
    budget_per_second: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None


class ServiceTimeouts(Form, frozen=True):
    """How long to wait."""

    connect_seconds: upstream.Seconds | None = None
    connection_idle_seconds: upstream.Seconds | None = None


class ServiceSettings(Form, frozen=True):
    """Of a Service, wherever it stands."""

    protocol: Literal["http1", "http2"] = "http1"
    weight: Weight = 100
    targets: list[ServiceTarget] | None = None
    balance: Balance | None = None
    health_check: HealthCheck | None = None
    outliers: Outliers | None = None
    retries: Retries | None = None
    timeouts: ServiceTimeouts | None = None


def _made(type_: type[Made], form: Form | None) -> Made | None:
    if form is None:
        return None
    given: dict[str, Any] = {name: getattr(form, name) for name in form.__struct_fields__}
    # As a document that has been read: what is a list in a file may be a tuple there.
    return msgspec.convert({name: value for name, value in given.items() if value is not None}, type_)


def with_settings(service: document.Service, settings: ServiceSettings, place: Place) -> document.Service:
    """Return the service with everything that its resource says. Raises `FileFault`."""
    first = service.targets[0]
    targets = [document.Target(host=first.host, port=first.port, weight=settings.weight)]
    for index, each in enumerate(settings.targets or ()):
        here = place.at("targets", index, "address")
        address = read_service_address(each.address, here)
        if address.scheme != service.scheme:
            message = f"The address of this service begins with {service.scheme}. Write {service.scheme} here, too."
            raise here.fault(message, "mixed_schemes")
        if any((address.host, address.port) == (target.host, target.port) for target in targets):
            message = f"{address.host}:{address.port} is there twice. Give it a greater weight instead."
            raise here.fault(message, "duplicate_target")
        targets.append(document.Target(host=address.host, port=address.port, weight=each.weight))
    balance = _made(upstream.Balance, settings.balance) or upstream.Balance()
    if balance.policy == "consistent_hash" and balance.hash_on == "header" and not balance.header:
        raise place.at("balance", "header").fault("This setting is required.", "required")
    return msgspec.structs.replace(
        service,
        targets=targets,
        balance=balance,
        health_check=_made(upstream.HealthCheck, settings.health_check),
        outliers=_made(upstream.Outliers, settings.outliers),
        retries=_made(upstream.Retries, settings.retries),
        timeouts=_made(upstream.ServiceTimeouts, settings.timeouts) or upstream.ServiceTimeouts(),
    )
