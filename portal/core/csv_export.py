"""Rows as CSV (RFC 4180), written piece by piece, in which no cell acts as a formula when a spreadsheet opens it."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

# What spreadsheets take for the beginning of a formula, also in its full-width forms; a tab or a line end before it is
# skipped by them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_IN_A_PIECE = 200


def safe(value: Any) -> Any:
    """Return a cell that no spreadsheet computes. Numbers are numbers: a negative one stays as it is."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def csv_lines(titles: list[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the file in pieces, the titles first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe(title) for title in titles])
    for number, row in enumerate(rows, 1):
        writer.writerow([safe(value) for value in row])
        if number % ROWS_IN_A_PIECE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
