"""The base of every table, and the views of lists that people keep."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from portal.core.errors import ApplicationError


class Record(models.Model):
    """A row with an unguessable id and its times."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def save_checked(self) -> None:
        """Validate, then save. What is wrong with a field becomes an `ApplicationError` with its sentence."""
        try:
            self.full_clean()
        except ValidationError as error:
            fields = {name: " ".join(texts) for name, texts in error.message_dict.items()}
            message = fields.pop(NON_FIELD_ERRORS, "Some fields need another value.")
            raise ApplicationError("invalid", message, fields=fields) from error
        self.save()


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Views belong to people, not to organizations."""

    def visible_to(self, user: Any, permission: str = "") -> Self:
        """Return the user's own views: nobody else sees them, whatever the permission."""
        return self.filter(user=user) if user.is_authenticated else self.none()


class SavedView(Record):
    """A list as somebody likes to see it: the address of the list and its query string, under a name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    path = models.CharField(max_length=300)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)
    # Shown when the list is opened without saying how.
    usual = models.BooleanField(default=False)

    objects = models.Manager.from_queryset(SavedViewQuerySet)()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "path", "name"], name="saved_view_name_once"),
            models.UniqueConstraint(
                fields=["user", "path"], condition=models.Q(usual=True), name="saved_view_usual_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the list as it is seen in this view."""
        return f"{self.path}?{self.query}" if self.query else f"{self.path}?view=all"
