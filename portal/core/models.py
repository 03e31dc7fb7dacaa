"""The base of every table."""

import uuid

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
