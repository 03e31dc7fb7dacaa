"""A traced or refused request, and what of them was lost."""

from django.db import models

from gateway_runtime.schema.trace import Kind
from portal.core.links import console_url
from portal.core.permissions import ScopedManager
from portal.organizations.models import Environment


class TraceKind(models.TextChoices):
    """Why a request is here."""

    REQUESTED = Kind.REQUESTED.value, "Requested"
    SAMPLED = Kind.SAMPLED.value, "Sampled"
    REFUSAL = Kind.REFUSAL.value, "Refused"


class Trace(models.Model):
    """One request. `id` is the gateway's, so that one that arrives twice is one.

    Names and ids are copied: a trace says what was there then. `detail` holds steps, attempts and query as the gateway
    has masked them (`gateway_runtime.schema.trace`), nothing for a refusal that was not traced. `would_refuse` names
    the policies in shadow mode that would have refused it, each between spaces.
    """

    id = models.CharField(max_length=40, primary_key=True)
    organization_id = models.UUIDField()
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    gateway_id = models.UUIDField()
    replica_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=TraceKind)
    request_id = models.CharField(max_length=64)
    at = models.DateTimeField()
    revision = models.PositiveIntegerField()
    instance = models.CharField(max_length=36, blank=True)
    route_name = models.CharField(max_length=200, blank=True)
    application = models.CharField(max_length=64, blank=True)
    application_name = models.CharField(max_length=200, blank=True)
    method = models.CharField(max_length=20, blank=True)
    host = models.CharField(max_length=260, blank=True)
    path = models.CharField(max_length=600, blank=True)
    client = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField()
    policy = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=80, blank=True)
    would_refuse = models.CharField(max_length=400, blank=True)
    duration_us = models.BigIntegerField()
    detail = models.JSONField(default=dict)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["environment", "-at"]),
            models.Index(fields=["instance", "-at"]),
            models.Index(fields=["request_id"]),
            models.Index(fields=["gateway_id", "kind", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}".strip() or self.request_id

    @property
    def duration_ms(self) -> float:
        """Return how long it took, in milliseconds."""
        return self.duration_us / 1000

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.environment, "traces:detail", self.pk)


class TraceLoss(models.Model):
    """How many traces one run of one replica gave up because more came than can be kept."""

    gateway_id = models.UUIDField()
    replica_id = models.CharField(max_length=64)
    # Seconds since the epoch by the replica's clock: tells one run from the next.
    started_at = models.FloatField()
    dropped = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_id", "replica_id", "started_at"], name="trace_loss_once")
        ]

    def __str__(self) -> str:
        return f"{self.replica_id}: {self.dropped}"
