"""Encrypting everything anew with the newest key of the ring, so that older keys can be thrown away.

A row that the newest key opens is left alone, so it can be stopped at any time and begun again. A secret that somebody
changes meanwhile is not touched either: it has been encrypted with the newest key by then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import models
from django.db.models import ExpressionWrapper, F

from portal.core.crypto import EncryptedTextField, decrypt, needs_older_key

BATCH = 200
_SEALED = "_sealed"


@dataclass(frozen=True, slots=True)
class Place:
    """One encrypted column."""

    model: type[models.Model]
    field: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many secrets of one column there are, and what is with them."""

    place: Place
    secrets: int = 0
    # Opened by an older key alone, or encrypted anew in this run.
    older: int = 0
    renewed: int = 0
    # Opened by no key of the ring.
    lost: int = 0

    @property
    def left(self) -> int:
        """Return how many still need an older key."""
        return self.older - self.renewed


def encrypted_places() -> list[Place]:
    """Return every encrypted column of every installed app."""
    return [
        Place(model, field.name)
        for model in sorted(apps.get_models(), key=lambda each: each._meta.label)
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]


def keys_check() -> list[Tally]:
    """Return for each encrypted column how many of its secrets need an older key. Changes nothing."""
    return [_tally(place) for place in encrypted_places()]


def keys_rotate(*, told: Callable[[Tally], None] = lambda tally: None) -> list[Tally]:
    """Encrypt everything with the newest key. `told` hears after each batch how far a column is."""
    return [_tally(place, renew=True, told=told) for place in encrypted_places()]


def _tally(place: Place, *, renew: bool = False, told: Callable[[Tally], None] = lambda tally: None) -> Tally:
    tally = Tally(place=place)
    for batch in _batches(place):
        for key, sealed in batch:
            tally.secrets += 1
            if not needs_older_key(sealed):
                continue
            try:
                text = decrypt(sealed)
            except InvalidToken:
                tally.lost += 1
                continue
            tally.older += 1
            if renew:
                _renew(place, key, sealed, text)
                tally.renewed += 1
        told(tally)
    return tally


def _rows(place: Place) -> Any:
    """Return the rows with the secret as the database has it."""
    sealed = ExpressionWrapper(F(place.field), output_field=models.TextField())
    return place.model._base_manager.annotate(**{_SEALED: sealed}).exclude(**{f"{place.field}__isnull": True})


def _batches(place: Place) -> Iterator[list[tuple[Any, str]]]:
    last: Any = None
    while True:
        rows = _rows(place).order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        batch = list(rows.values_list("pk", _SEALED)[:BATCH])
        if not batch:
            return
        yield batch
        last = batch[-1][0]


def _renew(place: Place, key: Any, sealed: str, text: str) -> None:
    """Encrypt one secret anew, unless it is another one by now. The field encrypts it on its way."""
    _rows(place).filter(pk=key, **{_SEALED: sealed}).update(**{place.field: text})
