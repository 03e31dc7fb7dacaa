"""The audit trail."""

from typing import Any

from django.db import models
from django.utils import timezone

from portal.audit.wording import differences, readable
from portal.core.crypto import EncryptedTextField
from portal.core.models import Record
from portal.core.permissions import ScopedManager, ScopedQuerySet


class AppendOnly(TypeError):
    """Somebody tried to change or delete what has been recorded."""

    def __init__(self) -> None:
        super().__init__("The audit trail is only ever added to.")


class AuditQuerySet(ScopedQuerySet):
    """Events that can be read and added, never changed."""

    def update(self, **kwargs: Any) -> int:
        """Refuse."""
        raise AppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnly


class AuditEvent(Record):
    """One change. People, organizations and objects are named by text, so that the record outlives them.

    `mac` is made with a key that the database has only encrypted (see `portal.audit.chain`).
    """

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Never updated.
    updated_at = None  # type: ignore[assignment]
    organization_id = models.UUIDField(null=True, db_index=True)
    environment_id = models.UUIDField(null=True)
    actor_id = models.UUIDField(null=True, db_index=True)
    actor_name = models.CharField(max_length=254)
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=254)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64, blank=True, editable=False)

    objects = models.Manager.from_queryset(AuditQuerySet)()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organization_id", "-created_at"]), models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.target_name}"

    @property
    def kind(self) -> str:
        """Return what kind of thing was changed, as people read it."""
        return readable(self.target_type)

    @property
    def label(self) -> str:
        """Return the action as people read it: `api_token.create` is “API token created”."""
        return readable(self.action)

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """Return (name, before, after) of what changed, ready to be shown."""
        return differences(self.before, self.after)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the event; refuse to change it later."""
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnly


class AuditChain(models.Model):
    """The end of the chain that all events are in, and what was found when it was last looked at. There is one."""

    key = EncryptedTextField()
    number = models.BigIntegerField(default=0)
    mac = models.CharField(max_length=64, blank=True)
    # Of number and mac: whoever cuts the chain off cannot say that it ends there.
    proof = models.CharField(max_length=64, blank=True)
    verified_at = models.DateTimeField(null=True)
    verified_number = models.BigIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"


class AuditSeal(models.Model):
    """The place of one event in the chain. `content` is the event's `mac`; `mac` covers it and all that came before."""

    number = models.BigIntegerField(primary_key=True)
    event = models.UUIDField(unique=True)
    content = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.number}:{self.mac}"


class UndoStep(Record):
    """What is needed to take one change back, for a day: the thing before and after, with its secrets, encrypted."""

    event = models.OneToOneField(AuditEvent, on_delete=models.CASCADE, related_name="undo_step")
    thing = models.CharField(max_length=40)
    target = models.CharField(max_length=64)
    # JSON; null is that there was, or is, no such thing.
    before = EncryptedTextField()
    after = EncryptedTextField()
    expires_at = models.DateTimeField(db_index=True)
    undone_at = models.DateTimeField(null=True)

    objects = ScopedManager()
    scope_organization = "event__organization_id"
    scope_environment = "event__environment_id"

    def __str__(self) -> str:
        return f"Undo of {self.event}"
