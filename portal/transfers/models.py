"""Which instance came from which."""

from django.db import models

from portal.apis.models import ApiInstance
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class Promotion(Record):
    """An instance that was promoted to another one. The next promotion to that gateway changes the same one."""

    source = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="promotions")
    target = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="origins")
    actor_name = models.CharField(max_length=254)

    objects = ScopedManager()
    scope_organization = "target__environment__organization_id"
    scope_environment = "target__environment_id"

    class Meta:
        ordering = ["-updated_at"]
        constraints = [models.UniqueConstraint(fields=["source", "target"], name="promotion_once")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"
