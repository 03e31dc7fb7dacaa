"""How a gateway comes to its registration: tokens that are exchanged for one, once."""

from django.db import models
from django.utils import timezone

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
