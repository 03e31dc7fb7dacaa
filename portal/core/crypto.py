"""Secrets at rest: a key ring, and a model field that encrypts with its newest key."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute


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


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the database has of an encrypted field, not opened yet."""

    token: str

    def open(self) -> str:
        """Return the text. Raises `cryptography.fernet.InvalidToken` if no key of the ring made it."""
        return decrypt(self.token)


class _OpenedWhenAsked(DeferredAttribute):
    """Opens a field of a row when it is asked for: most pages that read a row never look at its secrets."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = value.open()
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # With this the class is asked before the row itself.
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """Text that the database only ever sees encrypted. It cannot be searched, and is decrypted when it is read.

    `values()` and `values_list()` return it `Sealed`.
    """

    descriptor_class = _OpenedWhenAsked

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way to the database."""
        if value is None:
            return None
        return value.token if isinstance(value, Sealed) else encrypt(str(value))

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Keep what the database has until somebody reads it."""
        return None if value is None else Sealed(value)
