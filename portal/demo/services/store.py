"""The data of one demo service: a SQLite file, seeded with the same believable rows everywhere."""

import random
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Everybody's Harbour Goods looks the same, so that documentation can name its rows.
SEED = 20_260_401


class Store:
    """Rows in SQLite, one connection shared by the service's threads."""

    def __init__(self, path: Path, tables: str, seed: Callable[["Store", random.Random], None]) -> None:
        # Entered again by a thread that already has it: a service may hold it over several statements.
        self.exclusive = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(tables)
        if not self.one("SELECT 1 FROM seeded"):
            self._connection.execute("BEGIN IMMEDIATE")
            seed(self, random.Random(SEED))  # noqa: S311
            self._connection.execute("INSERT INTO seeded VALUES (1)")
            self._connection.execute("COMMIT")

    def all(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self.exclusive:
            return [dict(row) for row in self._connection.execute(query, values)]

    def one(self, query: str, values: Sequence[Any] = ()) -> dict[str, Any] | None:
        """Return the first row of a query."""
        rows = self.all(query, values)
        return rows[0] if rows else None

    def insert(self, table: str, row: dict[str, Any]) -> int:
        """Add a row; table and columns are names of our own, never a caller's."""
        query = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"  # noqa: S608
        with self.exclusive:
            return int(self._connection.execute(query, tuple(row.values())).lastrowid or 0)

    def page(self, table: str, conditions: dict[str, Any], limit: int, offset: int, order: str) -> dict[str, Any]:
        """Return one page: rows that meet all conditions (`{"city = ?": "Bergen"}`), and how many there are."""
        given = {text: value for text, value in conditions.items() if value is not None}
        where = f"WHERE {' AND '.join(given)}" if given else ""
        values = list(given.values())
        total = self.one(f"SELECT count(*) AS total FROM {table} {where}", values)  # noqa: S608
        rows = self.all(f"SELECT * FROM {table} {where} ORDER BY {order} LIMIT ? OFFSET ?", [*values, limit, offset])  # noqa: S608
        return {"items": rows, "total": total["total"] if total else 0, "limit": limit, "offset": offset}
