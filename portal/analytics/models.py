"""Traffic by minute, and how far the telemetry stream has been read."""

from django.db import models

from portal.core.permissions import ScopedManager


class TrafficMinute(models.Model):
    """Requests of one minute that share all labels. Rows grow with label combinations, never with requests.

    Ids are copied, not foreign keys: figures stay when an API or application is gone. `instance`, `route` and
    `application` are ids as text, "" for none. Histograms map a bucket index (`gateway_runtime.schema.histogram`) to
    a count.
    """

    minute = models.DateTimeField()
    organization_id = models.UUIDField()
    environment_id = models.UUIDField()
    gateway_id = models.UUIDField()
    instance = models.CharField(max_length=36, blank=True)
    route = models.CharField(max_length=64, blank=True)
    application = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField()
    policy = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=80, blank=True)
    requests = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    # What a policy in shadow mode would have ended with these labels. Such rows hold no requests.
    shadowed = models.BigIntegerField(default=0)
    latency = models.JSONField(default=dict)
    upstream_latency = models.JSONField(default=dict)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "gateway_id", "instance", "route", "application", "status", "policy", "code"],
                name="traffic_minute_once",
            )
        ]
        indexes = [models.Index(fields=["instance", "minute"]), models.Index(fields=["environment_id", "minute"])]

    def __str__(self) -> str:
        return f"{self.minute:%Y-%m-%d %H:%M} {self.status} × {self.requests}"


class Span(models.TextChoices):
    """How much time one summary is about. Days are those of UTC."""

    MINUTE = "minute", "Minute"
    QUARTER = "quarter", "Quarter of an hour"
    DAY = "day", "Day"


class TrafficSummary(models.Model):
    """All traffic of an environment (`instance` is ""), or of one API instance of it, in one span of time.

    A chart reads one for each of its points, however much there was. By minute there are those of environments alone.
    """

    environment_id = models.UUIDField()
    organization_id = models.UUIDField()
    instance = models.CharField(max_length=36, blank=True)
    span = models.CharField(max_length=10, choices=Span.choices)
    start = models.DateTimeField()
    requests = models.BigIntegerField(default=0)
    # As `Figures` writes them.
    figures = models.JSONField(default=dict)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment_id", "instance", "span", "start"], name="traffic_summary_once")
        ]
        indexes = [models.Index(fields=["instance", "span", "start"]), models.Index(fields=["span", "start"])]

    def __str__(self) -> str:
        return f"{self.span} {self.start:%Y-%m-%d %H:%M} × {self.requests}"


class IngestCursor(models.Model):
    """The last entry of a stream whose rows are stored; kept in the same transaction as the rows."""

    stream = models.CharField(max_length=120, primary_key=True)
    entry = models.CharField(max_length=40, default="0-0")

    def __str__(self) -> str:
        return f"{self.stream} at {self.entry}"


class ReplicaTally(models.Model):
    """What one run of one replica says it served and dropped, beside what is stored of it."""

    gateway_id = models.UUIDField()
    replica_id = models.CharField(max_length=64)
    # Seconds since the epoch by the replica's clock: tells one run from the next.
    started_at = models.FloatField()
    served = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_id", "replica_id", "started_at"], name="replica_tally_once")
        ]

    def __str__(self) -> str:
        return f"{self.replica_id}: {self.stored} of {self.served}"
