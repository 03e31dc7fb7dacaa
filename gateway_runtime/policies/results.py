"""What a policy can answer with instead of letting a request pass."""

import enum
from dataclasses import dataclass, field
from typing import Final, Protocol


class NeedsBody(enum.Enum):
    """What the header handler of a policy returns where its body handler has to see the whole body."""

    NEEDS_BODY = "needs_body"


NEEDS_BODY: Final = NeedsBody.NEEDS_BODY


class BodyFilter(Protocol):
    """Sees a body stream by, piece by piece, and may change it. Made for one message.

    `keeps_length`: what comes out is as long as what goes in, so that the announced length stays. Either method may
    raise `Refused`: a request is refused then, an answer that has begun is cut off. `finish` is called once, after the
    last piece; never where a message breaks off.
    """

    keeps_length: bool

    def feed(self, data: bytes) -> bytes:
        """Take a piece and return what is to be passed on."""

    def finish(self) -> bytes:
        """Return what is still to be passed on at the end."""


class Refused(Exception):
    """Ends a request from a response handler: instead of the service's answer callers get this refusal."""

    def __init__(self, response: "Response") -> None:
        super().__init__(response.code)
        self.response = response


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A prebuilt answer: made once when the policy is built, sent as often as needed.

    `code` and `policy` label metrics and the problem body; `headers` are extra ones as (name, value) bytes. The
    exchange adds the request id, which is the only part of a refusal that differs from request to request.

    With `body` this is an answer and no refusal: these bytes are sent instead of a problem, and `headers` say what they
    are. With `code` and `policy` empty nothing is counted as refused. `once`: it is made for one request, so nothing of
    it is prepared for others.
    """

    status: int
    code: str
    title: str
    detail: str
    policy: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
    body: bytes | None = None
    once: bool = False
