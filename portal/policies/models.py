"""Policies applied to one API instance, and those applied to all that match."""

from django.db import models

from gateway_runtime.schema.mode import Mode
from portal.apis.models import ApiInstance
from portal.core.crypto import EncryptedTextField
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.organizations.models import Environment


class AppliedPolicy(Record):
    """A policy with its settings. What `policy` names, and its settings, is said by its definition."""

    policy = models.CharField(max_length=80)
    order = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True)
    # While it is enabled: say what it would refuse, and let it pass.
    shadow = models.BooleanField(default=False)
    # Settings that are not secret, by wire name; the secret ones, as JSON, are in `secrets`.
    config = models.JSONField(default=dict)
    secrets = EncryptedTextField(default="{}")

    class Meta:
        abstract = True

    @property
    def mode(self) -> Mode:
        """Return what it does with the traffic."""
        if not self.enabled:
            return Mode.OFF
        return Mode.SHADOW if self.shadow else Mode.ENFORCE


class PolicyBinding(AppliedPolicy):
    """One policy applied to one API instance."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="policies")
    # Conditions on requests, of which any one is enough: {"path", "host", "methods", "headers"}; empty: every request.
    rules = models.JSONField(default=list, blank=True)

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


class AutomatedPolicy(AppliedPolicy):
    """One policy applied to every API instance of an environment that matches, before the instances' own."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="automated_policies")
    # Labels that an instance must have, all of them; empty: every instance.
    selector = models.JSONField(default=dict, blank=True)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["order", "created_at"]

    def __str__(self) -> str:
        return f"{self.policy} in {self.environment}"

    def get_absolute_url(self) -> str:
        """Return the page that says where it applies."""
        return console_url(self.environment, "automated_policies:detail", self.pk)
