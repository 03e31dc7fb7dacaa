"""The parts of documents that were made before, and are still right.

A publish has one thing changed and hundreds unchanged. A part is made of rows, and as long as these are what they were,
so is the part. The rows are read as the database has them: no objects are made of them, and nothing is decrypted.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Field, QuerySet

from gateway_runtime.schema import document as schema
from portal.apis.models import ApiInstance, Destination, InstanceStatus, Route, Service
from portal.catalog.models import Api, ApiVersion, Specification
from portal.core.rows import Row, id_of, raw_rows
from portal.gateways.models import Gateway
from portal.policies.models import AutomatedPolicy, PolicyBinding
from portal.publishing.api_parts import InstanceFault, active_instances, api_part, stand_in_part
from portal.publishing.specifications import Specifications

# How many gateways one process remembers parts of.
GATEWAYS = 16
# A part, and why it only stands in for what cannot be published ("": it does not).
Part = tuple[schema.ApiInstance, str]


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What each part was made of, and the part, by instance id."""

    rows: dict[UUID, tuple[Any, ...]]
    parts: dict[UUID, Part]


_gateways: OrderedDict[UUID, _Remembered] = OrderedDict()


def parts_of(gateway: Gateway) -> list[Part]:
    """Return the parts of all active instances of `gateway`, by id. Only those that changed are made."""
    rows = _made_of(gateway)
    before = _gateways.get(gateway.pk, _Remembered({}, {}))
    parts = {pk: part for pk, part in before.parts.items() if rows.get(pk) == before.rows[pk]}
    parts.update(_made(gateway, [pk for pk in rows if pk not in parts], len(rows)))
    # One that was made of newer rows than were looked at is made again next time; one that is gone has no part.
    remembered = _Remembered(rows, {pk: parts[pk] for pk in rows if pk in parts})
    _gateways[gateway.pk] = remembered
    _gateways.move_to_end(gateway.pk)
    while len(_gateways) > GATEWAYS:
        _gateways.popitem(last=False)
    return [remembered.parts[pk] for pk in sorted(remembered.parts)]


def forget() -> None:
    """Make every part anew from now on."""
    _gateways.clear()


def _made(gateway: Gateway, changed: list[UUID], all_of_them: int) -> Iterator[tuple[UUID, Part]]:
    if not changed:
        return
    automated = list(AutomatedPolicy.objects.filter(environment=gateway.environment_id, enabled=True))
    specifications = Specifications(gateway, automated)
    instances = active_instances(gateway)
    if len(changed) < all_of_them:
        instances = instances.filter(pk__in=changed)
    for instance in instances:
        try:
            yield instance.pk, (api_part(instance, automated, specifications), "")
        except InstanceFault as fault:
            yield instance.pk, (stand_in_part(instance), str(fault))


def _made_of(gateway: Gateway) -> dict[UUID, tuple[Any, ...]]:
    """Return the rows of which each part is made, by instance id, in a fixed order."""
    active = ApiInstance.objects.filter(gateway=gateway, status=InstanceStatus.ACTIVE)
    here = {"instance__gateway": gateway, "instance__status": InstanceStatus.ACTIVE}
    for_all = tuple(_rows(AutomatedPolicy.objects.filter(environment=gateway.environment_id), "pk"))
    found: dict[Any, list[Row]] = {}
    for row in _rows(active, "pk", _columns(ApiVersion, "api_version"), _columns(Api, "api_version__api")):
        found[row[0]] = [for_all, row]
    for rows in (
        _rows(Service.objects.filter(**here), "instance_id"),
        _rows(Route.objects.filter(**here), "instance_id"),
        _rows(Destination.objects.filter(**{f"route__{k}": v for k, v in here.items()}), "route__instance_id"),
        _rows(PolicyBinding.objects.filter(**here, enabled=True), "instance_id"),
        # The text itself is long, and its digest says the same.
        raw_rows(
            Specification.objects.filter(
                **{f"api_version__instances__{k.removeprefix('instance__')}": v for k, v in here.items()}
            ).values_list("api_version__instances__pk", "digest", "updated_at")
        ),
    ):
        for row in rows:
            if row[0] in found:
                found[row[0]].append(row)
    return {id_of(pk): tuple(rows) for pk, rows in found.items()}


def _rows(queryset: QuerySet[Any], instance: str, *more: list[str]) -> list[Row]:
    """Return all columns of some rows with the id of their instance first, in the order of their ids."""
    names = [instance, *_columns(queryset.model), *(name for names in more for name in names)]
    return raw_rows(queryset.order_by("pk").values_list(*names))


def _columns(model: Any, path: str = "") -> list[str]:
    fields: list[Field[Any, Any]] = model._meta.concrete_fields
    return [f"{path}__{field.attname}" if path else field.attname for field in fields]
