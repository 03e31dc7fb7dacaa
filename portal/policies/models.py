"""Policy binding."""

from django.db import models

from portal.apis.models import ApiInstance
from portal.core.crypto import EncryptedTextField
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class PolicyBinding(Record):
    """One policy applied to one API instance. What `policy` names, and its settings, is said by its definition."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="policies")
    policy = models.CharField(max_length=80)
    order = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    # Settings that are not secret, by wire name; the secret ones, as JSON, are in `secrets`.
    config = models.JSONField(default=dict)
    secrets = EncryptedTextField(default="{}")

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["order", "created_at"]

    def __str__(self) -> str:
        return f"{self.policy} on {self.instance}"

    def get_absolute_url(self) -> str:
        """Return the page on which its settings are edited."""
        return console_url(self.instance, "policies:edit", self.instance_id, self.pk)
