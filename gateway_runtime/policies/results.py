"""What a policy can answer with instead of letting a request pass."""

from dataclasses import dataclass, field


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
    are. With `code` and `policy` empty nothing is counted as refused.
    """

    status: int
    code: str
    title: str
    detail: str
    policy: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
    body: bytes | None = None
