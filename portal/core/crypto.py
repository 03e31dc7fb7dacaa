"""Secrets at rest: a key ring, and a model field that encrypts with its newest key."""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _key_ring() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.KEY_RING])


def encrypt(text: str) -> str:
    """Return `text` encrypted with the newest key of the ring, as ASCII."""
    return _key_ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the text behind `token`. Raises `cryptography.fernet.InvalidToken` if no key of the ring made it."""
    return _key_ring().decrypt(token.encode()).decode()


class EncryptedTextField(models.TextField):
    """Text that the database only ever sees encrypted. It cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decrypt on the way back."""
        return None if value is None else decrypt(value)
