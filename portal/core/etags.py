"""ETags of single objects, and what to answer when an `If-Match` names another state than that of now.

An ETag is the marks of an object's fields in their order. So it says, without anything being stored, which fields were
changed since it was given.
"""

from collections.abc import Mapping
from typing import Any

from portal.core.history import changes_of
from portal.core.marks import LENGTH, mark
from portal.core.meanwhile import ChangedMeanwhile, sentence

ANY = "*"
# Changes with every change, and says nothing to a reader.
TOUCHED = "updated_at"


def etag_of(shown: Mapping[str, Any]) -> str:
    """Return the ETag of an object as REST shows it."""
    return '"' + "".join(mark(value) for value in shown.values()) + '"'


def names_state(if_match: str, etag: str) -> bool:
    """Tell whether an `If-Match` names this state. Proxies that compress make ETags weak; that says nothing here."""
    return ANY in (given := _given(if_match)) or etag in given


def _given(if_match: str) -> list[str]:
    return [each.strip().removeprefix("W/") for each in if_match.split(",")]


def changed_meanwhile(if_match: str, shown: Mapping[str, Any], sent: Any, target: Any) -> ChangedMeanwhile:
    """Return the error that tells who changed what since the given ETag, beside what was sent."""
    past = changes_of(target)[:1]
    values = sent if isinstance(sent, Mapping) else {}
    differing = [
        {"field": f"/{name}", "theirs": theirs, **({"yours": values[name]} if name in values else {})}
        for name, theirs in _changed_since(_given(if_match)[0], shown).items()
        if name != TOUCHED and not (name in values and values[name] == theirs)
    ]
    etag = etag_of(shown)
    body = {
        "differences": differing,
        "changed_by": past[0].who if past else "",
        "changed_at": past[0].when.isoformat() if past else None,
        "etag": etag,
    }
    return ChangedMeanwhile(sentence(past), body=body, etag=etag)


def _changed_since(etag: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields whose marks are others now; all of them for an ETag of another kind of object or version."""
    text = etag.strip('"')
    before = [text[at : at + LENGTH] for at in range(0, len(text), LENGTH)]
    if len(before) != len(shown):
        return dict(shown)
    return {name: value for was, (name, value) in zip(before, shown.items(), strict=True) if was != mark(value)}
