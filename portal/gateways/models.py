"""Gateway, certificate, listener and replica."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from portal.core.crypto import EncryptedTextField
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.gateways.registration_models import GatewayCredential, RegistrationToken, Revocation
from portal.organizations.models import Environment

__all__ = ["Gateway", "GatewayCredential", "Listener", "RegistrationToken", "Replica", "Revocation"]


class Gateway(Record):
    """A named set of replicas that share one configuration."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="gateways")
    name = models.CharField(max_length=80)
    slug = models.SlugField()
    # Signs revisions; never leaves the portal.
    signing_key = EncryptedTextField()
    # What the gateway itself holds, also in its registration.yaml.
    verify_key = models.CharField(max_length=64)
    encrypt_key = EncryptedTextField()
    # Set from a revocation until a machine registers again.
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Host under which consumers reach its listeners, e.g. api.example.com. Empty: the installation's default.
    public_host = models.CharField(max_length=253, blank=True)
    # How many of its requests are traced without being asked for. Every refusal is told of anyway, in short.
    sampled_percent = models.FloatField(default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    # What of its settings is not as by default, in the words of declarative files; the secret ones, as JSON, by place.
    settings = models.JSONField(default=dict, blank=True)
    secrets = EncryptedTextField(default="{}")

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["environment", "slug"], name="gateway_slug_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the gateway's page in the console."""
        return console_url(self.environment, "gateways:detail", self.pk)


class Certificate(Record):
    """A certificate with its chain and its key, for the listeners of an environment."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="certificates")
    name = models.CharField(max_length=80)
    # PEM, that of the server first.
    chain = models.TextField()
    # PEM without a passphrase. It is served by the gateway and shown to nobody.
    private_key = EncryptedTextField()
    # Read from the first certificate.
    subject = models.CharField(max_length=500)
    issuer = models.CharField(max_length=500)
    names = models.JSONField(default=list)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    fingerprint = models.CharField(max_length=64)
    key_type = models.CharField(max_length=40)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), "environment", name="certificate_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return its page in the console."""
        return console_url(self.environment, "certificates:detail", self.pk)


class Protocol(models.TextChoices):
    """What a listener speaks."""

    HTTP = "http", "HTTP"
    HTTPS = "https", "HTTPS"


class Listener(Record):
    """An address and port on which a gateway accepts traffic."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="listeners")
    name = models.CharField(max_length=80)
    host = models.GenericIPAddressField(default="0.0.0.0")  # noqa: S104 - a gateway is there to be reached
    port = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(65535)])
    protocol = models.CharField(max_length=5, choices=Protocol, default=Protocol.HTTP)
    # How TLS is spoken where it is not as by default, in the words of declarative files.
    tls = models.JSONField(default=dict, blank=True)
    # Every connection begins with a PROXY header.
    proxy_protocol = models.BooleanField(default=False)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    class Meta:
        ordering = ["port"]
        constraints = [models.UniqueConstraint(fields=["gateway", "port"], name="listener_port_once")]

    def __str__(self) -> str:
        return f"{self.name} (port {self.port})"

    def get_absolute_url(self) -> str:
        """Return the page of its gateway."""
        return self.gateway.get_absolute_url()


class ListenerCertificate(models.Model):
    """A certificate of a listener: the first one is for callers that name no host, or one that no other has."""

    listener = models.ForeignKey(Listener, on_delete=models.CASCADE, related_name="certificates")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField()
    # Host names that it is chosen for; empty: those that it has itself.
    names = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["listener", "certificate"], name="listener_certificate_once"),
        ]

    def __str__(self) -> str:
        return f"{self.certificate} on {self.listener}"


class Replica(Record):
    """One running gateway as it last reported; kept after it fell silent."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="replicas")
    replica_id = models.CharField(max_length=64)
    host = models.CharField(max_length=253)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40)
    workers = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=20)
    error_code = models.CharField(max_length=80, blank=True)
    message = models.TextField(blank=True)
    stopping = models.BooleanField(default=False)
    served = models.BigIntegerField(default=0)
    waiting = models.BigIntegerField(default=0)
    dropped = models.BigIntegerField(default=0)
    # The number of the registration with which it was started; 0 is from before registrations were numbered.
    registration = models.PositiveIntegerField(default=0)
    # How far its clock is ahead of that of Redis; unknown for versions that do not tell.
    clock_skew_seconds = models.FloatField(null=True)
    # When the first certificate of its listeners expires; none without TLS.
    certificate_expires_at = models.DateTimeField(null=True)

    objects = ScopedManager()
    scope_organization = "gateway__environment__organization_id"
    scope_environment = "gateway__environment_id"

    class Meta:
        ordering = ["-seen_at"]
        constraints = [models.UniqueConstraint(fields=["gateway", "replica_id"], name="replica_once")]

    def __str__(self) -> str:
        return f"{self.host} ({self.replica_id[:8]})"
