"""Client application, credential, SLA tier and contract."""

from typing import Any, Self

from django.db import models
from django.urls import reverse

from portal.accounts.models import User
from portal.apis.models import ApiInstance
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class ApplicationQuerySet(models.QuerySet["ClientApplication"]):
    """Applications by the person they belong to; no role of an organization reaches them."""

    def owned_by(self, user: Any) -> Self:
        """Return the applications of `user`; an anonymous one has none."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class ClientApplication(Record):
    """A program that calls APIs. It belongs to a developer, not to the organization whose APIs it calls."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="applications")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=2000)
    url = models.URLField(blank=True)
    client_id = models.CharField(max_length=64, unique=True)

    objects = models.Manager.from_queryset(ApplicationQuerySet)()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="application_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return its page in the developer hub."""
        return reverse("hub:application", args=[self.pk])


class Credential(Record):
    """A client secret. Only its digest is kept; `hint` is its last four characters."""

    application = models.ForeignKey(ClientApplication, on_delete=models.CASCADE, related_name="credentials")
    digest = models.CharField(max_length=64)
    hint = models.CharField(max_length=8)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"…{self.hint}"


class Approval(models.TextChoices):
    """How a request for a tier is answered."""

    AUTOMATIC = "automatic", "Automatic: granted at once"
    MANUAL = "manual", "Manual: an owner or editor decides"


class SlaTier(Record):
    """A level of service for one API instance.

    `limits` is a list of `{"maximumRequests", "timePeriodInMilliseconds"}` or of `{"maximumRequests",
    "calendarPeriod"}`. A contract has to keep all of them.
    """

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="tiers")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=250, blank=True)
    limits = models.JSONField(default=list)
    approval = models.CharField(max_length=20, choices=Approval.choices, default=Approval.MANUAL)

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["instance", "name"], name="tier_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the console page of its instance, which shows all tiers."""
        return console_url(self.instance.environment, "apis:detail", self.instance_id)


class ContractStatus(models.TextChoices):
    """Where a contract stands. Only an active one lets calls pass."""

    PENDING = "pending", "Pending"
    ACTIVE = "active", "Active"
    REJECTED = "rejected", "Rejected"
    REVOKED = "revoked", "Revoked"


class Contract(Record):
    """A client application's access to one API instance under a tier."""

    application = models.ForeignKey(ClientApplication, on_delete=models.CASCADE, related_name="contracts")
    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="contracts")
    tier = models.ForeignKey(SlaTier, on_delete=models.PROTECT, related_name="contracts", null=True, blank=True)
    status = models.CharField(max_length=20, choices=ContractStatus.choices, default=ContractStatus.PENDING)

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["application", "instance"], name="contract_once")]

    def __str__(self) -> str:
        return f"{self.application} → {self.instance}"

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.instance.environment, "contracts:detail", self.pk)
