"""For which API a client application calls others."""

from django.db import models

from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class Caller(Record):
    """An API instance that calls other APIs as a client application. Somebody has said so: traffic cannot tell it."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="callers")
    application = models.ForeignKey(ClientApplication, on_delete=models.CASCADE, related_name="callers")

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["instance", "application"], name="caller_once")]

    def __str__(self) -> str:
        return f"{self.instance} as {self.application}"
