"""Reading one document after another, of which most is the same as before."""

import msgspec

from gateway_runtime.schema.document import (
    ApiInstance,
    Candidate,
    CandidateOutline,
    Document,
    Outline,
    Surroundings,
    Trial,
)

_decode_outline = msgspec.json.Decoder(Outline).decode
_decode_api = msgspec.json.Decoder(ApiInstance).decode


class DocumentReader:
    """Reads documents. An API with the same bytes as in the one before is not read again: it is the same object."""

    def __init__(self) -> None:
        self._known: dict[bytes, ApiInstance] = {}

    def read(self, data: bytes) -> Document:
        """Return a document. Raises `msgspec.MsgspecError` for what is none."""
        outline = _decode_outline(data)
        before = self._known
        self._known = {each: before.get(each) or _decode_api(each) for each in map(bytes, outline.apis)}
        surroundings = {name: getattr(outline, name) for name in Surroundings.__struct_fields__}
        # In the order of the document, which `dict` keeps; that an API is there twice is refused elsewhere.
        apis = list(self._known.values())
        return Document(**surroundings, apis=apis, candidate=_candidate(outline.candidate))


def _candidate(outline: CandidateOutline | None) -> Candidate | None:
    if outline is None:
        return None
    trial = {name: getattr(outline, name) for name in Trial.__struct_fields__}
    return Candidate(**trial, apis=[_decode_api(each) for each in outline.apis], surroundings=outline.surroundings)
