"""Secrets at rest: a key ring, and a model field that encrypts with its newest key."""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@cache
def _rings(keys: tuple[str, ...]) -> tuple[Fernet, MultiFernet]:
    ring = [Fernet(key) for key in keys]
    return ring[0], MultiFernet(ring)


def _newest() -> Fernet:
    return _rings(tuple(settings.KEY_RING))[0]


def _key_ring() -> MultiFernet:
    return _rings(tuple(settings.KEY_RING))[1]


def encrypt(text: str) -> str:
    """Return `text` encrypted with the newest key of the ring, as ASCII."""
    return _key_ring().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the text behind `token`. Raises `cryptography.fernet.InvalidToken` if no key of the ring made it."""
    return _key_ring().decrypt(token.encode()).decode()


def needs_older_key(token: str) -> bool:
    """Tell whether the newest key of the ring does not open `token`."""
    try:
        _newest().decrypt(token.encode())
    except InvalidToken:
        return True
    return False


class EncryptedTextField(models.TextField):
    """Text that the database only ever sees encrypted. It cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decrypt on the way back."""
        return None if value is None else decrypt(value)
