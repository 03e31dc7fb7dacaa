"""Saying as which client applications an API calls others."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from portal.apis.models import ApiInstance
from portal.audit.services import audit_record
from portal.contracts.models import ClientApplication
from portal.core.errors import ApplicationError
from portal.landscape.models import Caller
from portal.landscape.selectors import applications_offered


@transaction.atomic
def callers_set(*, actor: Any, instance: ApiInstance, applications: Iterable[ClientApplication]) -> list[Caller]:
    """Say as which applications an instance calls other APIs, and as no others."""
    wanted = {each.pk: each for each in applications}
    known = set(applications_offered(instance.environment).filter(pk__in=wanted).values_list("pk", flat=True))
    if unknown := [each.name for pk, each in wanted.items() if pk not in known]:
        sentence = f"{unknown[0]} has no contract in {instance.environment.name}. Choose one that has."
        raise ApplicationError("application_elsewhere", sentence, fields={"applications": sentence})
    present = list(instance.callers.select_related("application"))
    before = sorted(each.application.name for each in present)
    for each in present:
        if each.application_id not in wanted:
            each.delete()
    there = {each.application_id for each in present}
    for pk, application in wanted.items():
        if pk not in there:
            Caller(instance=instance, application=application).save_checked()
    after = sorted(each.name for each in wanted.values())
    if after != before:
        audit_record(
            actor=actor,
            action="instance.callers",
            target=instance,
            message=f"Said as whom {instance} calls other APIs",
            before={"applications": before},
            after={"applications": after},
        )
    return list(instance.callers.all())
