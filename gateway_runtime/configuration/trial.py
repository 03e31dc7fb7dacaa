"""Who takes a candidate, read from a document before its APIs are."""

import msgspec

from gateway_runtime.schema.document import Trial


class _Tried(msgspec.Struct):
    """The one field that tells of a candidate."""

    candidate: Trial | None = None


def trial_of(document: bytes) -> Trial | None:
    """Return who takes the candidate of a document, None where it has none. What is no document has none."""
    try:
        return msgspec.json.decode(document, type=_Tried).candidate
    except msgspec.MsgspecError:
        return None


def share_of(trial: Trial, replica: str) -> float:
    """Return the share of the requests that a replica gives to a candidate."""
    if trial.replica:
        return 1.0 if trial.replica == replica else 0.0
    return trial.percent / 100
