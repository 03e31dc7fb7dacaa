"""Revision, acknowledgement, and the note that a gateway needs a new revision."""

from django.db import models

from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.gateways.models import Gateway


class PublishRequest(models.Model):
    """How many changes of a gateway were asked to be published, and how many are. Survives any process's death."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, related_name="publish_request", primary_key=True)
    requested = models.PositiveIntegerField(default=0)
    published = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField(null=True)
    actor_name = models.CharField(max_length=254, blank=True)
    message = models.TextField(blank=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.gateway}: {self.published} of {self.requested}"


class Revision(Record):
    """A numbered, immutable configuration of one gateway, sealed as it was sent."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    sections = models.JSONField(default=dict)
    envelope = models.BinaryField()
    actor_name = models.CharField(max_length=254, blank=True)
    message = models.TextField(blank=True)
    # API instances that could not be built, by id: {"name", "reason", "kept"} (see `builder.Built`).
    quarantined = models.JSONField(default=dict)
    requested_at = models.DateTimeField()
    # Set when Redis has it.
    published_at = models.DateTimeField(null=True)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["gateway", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"{self.gateway} revision {self.number}"

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.gateway, "publishing:detail", self.gateway_id, self.pk)


class HoldReason(models.TextChoices):
    """Why a gateway is held."""

    RESTORED = "restored", "An older revision was restored"
    UNDONE = "undone", "A staged change was undone"


class Hold(Record):
    """A gateway whose APIs, policies and listeners stay those of its latest revision; what is saved meanwhile waits.

    `revision` is the one that they come from. Contracts, credentials and tiers go on as they are saved.
    """

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, related_name="hold")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(max_length=20, choices=HoldReason)
    actor_name = models.CharField(max_length=254, blank=True)
    # What was saved since then, and by whom: the message and author of the revision that publishes it.
    waiting_message = models.TextField(blank=True)
    waiting_actors = models.CharField(max_length=254, blank=True)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    def __str__(self) -> str:
        return f"{self.gateway} held on revision {self.revision.number}"

    def get_absolute_url(self) -> str:
        """Return the page of its gateway, where what waits is shown."""
        return self.gateway.get_absolute_url()


class Acknowledgement(Record):
    """How one replica took one revision."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="acknowledgements")
    replica_id = models.CharField(max_length=64)
    state = models.CharField(max_length=20)
    applied_at = models.DateTimeField()
    took_ms = models.FloatField()
    error_code = models.CharField(max_length=80, blank=True)
    error_path = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["applied_at"]
        constraints = [models.UniqueConstraint(fields=["revision", "replica_id"], name="acknowledgement_once")]

    def __str__(self) -> str:
        return f"{self.replica_id}: {self.state}"
