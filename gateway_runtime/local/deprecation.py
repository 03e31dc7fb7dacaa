"""`deprecation` of an ApiInstance as the document has it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway_runtime.local import kinds
from gateway_runtime.local.place import Place
from gateway_runtime.schema.deprecation import Deprecation


def read_deprecation(given: kinds.Deprecation | None, place: Place) -> Deprecation | None:
    """Return since when an instance is deprecated. Raises `FileFault`."""
    if given is None:
        return None
    said = {"since": _moment(given.since, place.at("since")), "successor": given.successor}
    if given.sunset is not None:
        said["sunset"] = _moment(given.sunset, place.at("sunset"))
    return place.convert(said, Deprecation)


def _moment(text: str, place: Place) -> int:
    """Return a day or a moment in seconds; a day begins at midnight UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise place.fault(f"“{text}” is not a date. Write 2027-03-31 or 2027-03-31T12:00:00Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
