"""A document as a replica serves it that takes a candidate whole: with the candidate's listeners and settings."""

import msgspec

from gateway_runtime.configuration.trial import share_of
from gateway_runtime.schema.document import WIDE_PARTS, Outline


class _Identified(msgspec.Struct):
    """What of an API tells where it belongs."""

    id: str
    listener: str


_decode = msgspec.json.Decoder(Outline).decode
_identify = msgspec.json.Decoder(_Identified).decode


def served_by(document: bytes, replica: str) -> bytes:
    """Return a document with the listeners and settings of its candidate, where all requests of `replica` get it.

    Then everything there belongs to what is tried out, so all APIs become part of the candidate. Raises
    `msgspec.MsgspecError` for what is no document.
    """
    outline = _decode(document)
    candidate = outline.candidate
    if candidate is None or candidate.surroundings is None or share_of(candidate, replica) < 1:
        return document
    parts = {name: getattr(candidate.surroundings, name) for name in WIDE_PARTS}
    there = {listener.id for listener in candidate.surroundings.listeners}
    tried = {_identify(raw).id for raw in candidate.apis}
    apis = [(raw, _identify(raw)) for raw in outline.apis]
    same = [raw for raw, api in apis if api.id not in tried and api.id not in candidate.removed]
    whole = msgspec.structs.replace(
        outline,
        **parts,
        # What was on a listener that is gone is elsewhere in the candidate, or gone as well.
        apis=[raw for raw, api in apis if api.listener in there],
        candidate=msgspec.structs.replace(candidate, apis=[*candidate.apis, *same], surroundings=None),
    )
    return msgspec.json.encode(whole)
