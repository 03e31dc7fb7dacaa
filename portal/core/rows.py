"""Rows as the database has them, for what reads thousands: no objects are made of them, and nothing is decrypted."""

import datetime
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet

Row = tuple[Any, ...]


def raw_rows(queryset: "QuerySet[Any, Any]") -> list[Row]:
    """Return what a `values_list` selects, unconverted: an id is whatever the database keeps it as."""
    sql, parameters = queryset.query.sql_with_params()
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(sql, parameters)
        return [tuple(row) for row in cursor.fetchall()]


def id_text(raw: Any) -> str:
    """Return an id out of such a row as everybody else writes it; "" for none."""
    if isinstance(raw, str):
        return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
    return "" if raw is None else str(raw)


def id_of(raw: Any) -> UUID:
    """Return an id out of such a row."""
    return raw if isinstance(raw, UUID) else UUID(raw)


def time_of(raw: Any) -> datetime.datetime:
    """Return a time out of such a row, in UTC."""
    found = datetime.datetime.fromisoformat(raw) if isinstance(raw, str) else raw
    return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
