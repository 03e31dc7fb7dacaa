"""Alerts, the times in which they were met, who is told, and each notice that was sent."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from portal.apis.models import ApiInstance
from portal.core.crypto import EncryptedTextField
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.organizations.models import Environment

MOST_MINUTES = 24 * 60


class AlertKind(models.TextChoices):
    """What an alert watches."""

    REQUESTS = "requests", "Request count"
    RESPONSE_TIME = "response_time", "Response time"
    STATUSES = "statuses", "Status codes"
    VIOLATIONS = "policy_violations", "Policy violations"
    GATEWAY = "gateway_disconnected", "Gateway disconnected"
    CERTIFICATE = "certificate_expiring", "Certificate expiring"
    CONTRACT = "contract_events", "Contract events"


# Those that are about traffic by minute.
OF_TRAFFIC = (AlertKind.REQUESTS, AlertKind.RESPONSE_TIME, AlertKind.STATUSES, AlertKind.VIOLATIONS)


class Severity(models.TextChoices):
    """How bad it is."""

    INFO = "info", "Info"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


class Comparison(models.TextChoices):
    """On which side of the threshold a count of requests is an alert."""

    ABOVE = "above", "More than"
    BELOW = "below", "Fewer than"


class Measure(models.TextChoices):
    """Which response time is compared."""

    MEAN = "mean", "Mean"
    P50 = "p50", "50th percentile"
    P95 = "p95", "95th percentile"
    P99 = "p99", "99th percentile"


class AlertWebhook(Record):
    """An address that notices are posted to, signed with its secret."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="alert_webhooks")
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    secret = EncryptedTextField()

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="alert_webhook_name_once")]

    def __str__(self) -> str:
        return self.name


class AlertRule(Record):
    """One alert. Which of the fields after `instances` count depends on its kind."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="alert_rules")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=30, choices=AlertKind.choices)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    # Whether it is about these instances alone, and not about the whole environment. It stays so when they are deleted.
    narrowed = models.BooleanField(default=False)
    instances = models.ManyToManyField(ApiInstance, blank=True, related_name="alert_rules")
    comparison = models.CharField(max_length=10, choices=Comparison.choices, default=Comparison.ABOVE)
    # A number of requests, or milliseconds.
    threshold = models.PositiveBigIntegerField(default=0)
    window_minutes = models.PositiveIntegerField(default=5, validators=[MaxValueValidator(MOST_MINUTES)])
    measure = models.CharField(max_length=10, choices=Measure.choices, default=Measure.P95)
    # Such as "429" and "5xx".
    statuses = models.JSONField(default=list, blank=True)
    # Of one policy, "" for all.
    policy = models.CharField(max_length=80, blank=True)
    days = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1), MaxValueValidator(365)])
    # Actions on contracts, such as "request".
    events = models.JSONField(default=list, blank=True)

    # No second notice about the same within this time, however often it comes and goes.
    cooldown_minutes = models.PositiveIntegerField(default=15, validators=[MaxValueValidator(7 * MOST_MINUTES)])
    notify_recovery = models.BooleanField(default=True)
    emails = models.JSONField(default=list, blank=True)
    webhooks = models.ManyToManyField(AlertWebhook, blank=True, related_name="rules")
    enabled = models.BooleanField(default=True)
    silenced_until = models.DateTimeField(null=True, blank=True)
    # What happened before is nothing to tell of.
    watched_since = models.DateTimeField(default=timezone.now)
    evaluated_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "name"], name="alert_rule_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.environment, "alerts:detail", self.pk)


class AlertEpisode(Record):
    """A time in which an alert was met by one subject: the traffic (""), a gateway, a certificate or an event."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="episodes")
    subject = models.CharField(max_length=64, blank=True)
    subject_name = models.CharField(max_length=254, blank=True)
    # What was found when it began, and last.
    detail = models.CharField(max_length=500)
    latest = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # When somebody was told. None: it was silenced, or too soon after the last time.
    noticed_at = models.DateTimeField(null=True)

    objects = ScopedManager()
    scope_organization = "rule__environment__organization_id"
    scope_environment = "rule__environment_id"

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["rule", "-started_at"])]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"], condition=models.Q(ended_at=None), name="alert_episode_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject_name or self.detail}"

    @property
    def state(self) -> str:
        """Return whether it goes on."""
        return "firing" if self.ended_at is None else "over"


class NoticeReason(models.TextChoices):
    """Why something is told."""

    FIRED = "alert.fired", "Alert"
    RECOVERED = "alert.recovered", "Recovery"
    TEST = "alert.test", "Test"


class NoticeState(models.TextChoices):
    """What became of a notice."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class AlertNotice(Record):
    """One notice to one receiver, kept before it is sent: whoever is killed meanwhile neither loses nor doubles it."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="alert_notices")
    rule = models.ForeignKey(AlertRule, on_delete=models.SET_NULL, null=True, related_name="notices")
    episode = models.ForeignKey(AlertEpisode, on_delete=models.SET_NULL, null=True, related_name="notices")
    # None: it goes by mail.
    webhook = models.ForeignKey(AlertWebhook, on_delete=models.SET_NULL, null=True, related_name="notices")
    by_mail = models.BooleanField()
    # An address of mail, or the webhook's name when it was made.
    receiver = models.CharField(max_length=500)
    reason = models.CharField(max_length=20, choices=NoticeReason.choices)
    title = models.CharField(max_length=254)
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=NoticeState.choices, default=NoticeState.WAITING)
    # {"at", "ms", "status", "error"} of each.
    attempts = models.JSONField(default=list)
    # Since it was made or sent again: how many of the growing pauses are used up.
    tries = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"]),
            models.Index(fields=["environment", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.environment, "alerts:notice", self.pk)
