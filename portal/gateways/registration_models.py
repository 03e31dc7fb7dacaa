"""How a gateway comes to its registration, and what a registration opens."""

import hashlib

from django.db import models
from django.utils import timezone

from portal.core.crypto import EncryptedTextField
from portal.core.models import Record


class RegistrationToken(Record):
    """Lets one machine ask for the registration of one gateway. The token itself is stored nowhere."""

    gateway = models.ForeignKey("gateways.Gateway", on_delete=models.CASCADE, related_name="registration_tokens")
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=20)
    made_by = models.CharField(max_length=254)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.hint

    @property
    def expired(self) -> bool:
        """Tell whether its time is over."""
        return self.expires_at <= timezone.now()


class GatewayCredential(Record):
    """What the registrations of one gateway hold that is secret. A renewal makes one of the next number.

    Those that have ended keep their key, without which older revisions could not be read any more, and their password,
    with which a replica that has it can still learn that it is revoked.
    """

    gateway = models.ForeignKey("gateways.Gateway", on_delete=models.CASCADE, related_name="credentials")
    number = models.PositiveIntegerField()
    password = EncryptedTextField()
    encrypt_key = EncryptedTextField()
    # When it is to end, and when it has ended. Neither: it is the one that new registrations get.
    ends_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["gateway", "number"], name="gateway_credential_once")]

    def __str__(self) -> str:
        return f"{self.gateway_id} {self.number}"

    @property
    def password_digest(self) -> str:
        """Return what Redis is told instead of the password."""
        return hashlib.sha256(self.password.encode()).hexdigest()

    @property
    def user(self) -> str:
        """Return the name of its user in Redis."""
        return f"gateway-{self.gateway_id}-{self.number}"


class Revocation(Record):
    """The end of a gateway's registrations. It outlives the gateway, for replicas that were away at the time."""

    gateway_id = models.UUIDField()
    # What is put into Redis (see `gateway_runtime.schema.revocation`).
    notice = models.BinaryField()
    # The users of Redis that may read it and nothing else: name to SHA-256 of the password.
    users = models.JSONField(default=dict)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"Revocation of {self.gateway_id}"
