"""Revision, acknowledgement, and the note that a gateway needs a new revision."""

from django.core.validators import MaxValueValidator, MinValueValidator
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
    # The number of the candidate that is in it beside what all others get, 0 for none.
    candidate = models.PositiveIntegerField(default=0)
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


class RolloutKind(models.TextChoices):
    """Who gets a candidate first."""

    PERCENT = "percent", "A share of the requests"
    REPLICA = "replica", "One replica"


class RolloutState(models.TextChoices):
    """What became of a rollout."""

    OPEN = "open", "Open"
    PROMOTED = "promoted", "Promoted"
    UNDONE = "undone", "Undone"


class Trial(Record):
    """Who gets a candidate, and by what it is undone or promoted without anybody's doing."""

    kind = models.CharField(max_length=10, choices=RolloutKind, default=RolloutKind.PERCENT)
    percent = models.FloatField(default=10, validators=[MinValueValidator(0.1), MaxValueValidator(100)])
    replica_id = models.CharField(max_length=64, blank=True)
    # The share of failed requests, in percent, above which it is undone; None: only people undo it.
    error_percent = models.FloatField(
        null=True, blank=True, default=5, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    # Whether what policies refuse counts as failed, besides 5xx.
    refusals_count = models.BooleanField(default=False)
    minimum_requests = models.PositiveIntegerField(default=100, validators=[MinValueValidator(1)])
    window_minutes = models.PositiveIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(24 * 60)]
    )
    # After so long within the budget it is promoted; None: only people promote it.
    promote_after_minutes = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])

    class Meta:
        abstract = True


class Staging(Trial):
    """What a save does on one gateway: publish at once, or stage first in this way."""

    gateway = models.OneToOneField(Gateway, on_delete=models.CASCADE, related_name="staging")
    stage_changes = models.BooleanField(default=False)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    def __str__(self) -> str:
        return f"{self.gateway}: {'staged first' if self.stage_changes else 'published at once'}"


class Rollout(Trial):
    """A candidate that some requests get before all do. `stable` is what all others go on with.

    `candidate` is the newest revision of what is tried out, None until it is made. `instances` are the ids of the API
    instances that differ. `message` and `people` are of the changes in it.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="rollouts")
    stable = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
    candidate = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    instances = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=RolloutState, default=RolloutState.OPEN)
    actor_name = models.CharField(max_length=254, blank=True)
    message = models.TextField(blank=True)
    people = models.CharField(max_length=254, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=254, blank=True)
    reason = models.TextField(blank=True)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway"], condition=models.Q(state=RolloutState.OPEN), name="rollout_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway}: revision {self.candidate.number if self.candidate else '…'} staged"

    def get_absolute_url(self) -> str:
        """Return the page of its gateway, where it is followed."""
        return self.gateway.get_absolute_url()


class RolloutTraffic(models.Model):
    """Requests to the APIs that differ while a rollout is open, by ten seconds. `revision` is 0 for the stable one."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="traffic")
    moment = models.DateTimeField()
    revision = models.PositiveIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    # Answered by a policy instead of the service, without an error.
    refused = models.BigIntegerField(default=0)
    latency = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rollout", "moment", "revision"], name="rollout_traffic_once")]

    def __str__(self) -> str:
        return f"{self.rollout_id} {self.revision}: {self.requests}"


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
