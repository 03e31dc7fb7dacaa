"""The messages of `envoy.service.ext_proc.v3`: what is shown to a processor, and what it says to that."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from gateway_runtime.fetching.header_changes import Action, Change, Headers
from gateway_runtime.grpc.wire import Message, WireError, message, number, text
from gateway_runtime.policies.envoy_messages import header_change

METHOD = b"/envoy.service.ext_proc.v3.ExternalProcessor/Process"

# Of a `ProcessingMode`. What is neither of the first two of each is not possible here.
_DEFAULT, _SEND, _SKIP = range(3)
_NONE, _BUFFERED = 0, 2
# Of a `CommonResponse`.
_CONTINUE, _CONTINUE_AND_REPLACE = range(2)

# Envoy passes these over, too: a processor cannot make another request of this one.
_PASSED_OVER = frozenset({b":authority", b":method", b":scheme", b"host"})
_STATUS = b":status"
_is_status = re.compile(rb"[0-9]{3}").fullmatch


class Part(IntEnum):
    """What a message is about, by its number in a `ProcessingRequest`; in the answer it is one less."""

    REQUEST_HEADERS = 2
    RESPONSE_HEADERS = 3
    REQUEST_BODY = 4
    RESPONSE_BODY = 5


class Parts(NamedTuple):
    """Which parts of a request and its answer are shown."""

    request_headers: bool
    request_body: bool
    response_headers: bool
    response_body: bool


class Said(NamedTuple):
    """What is to become of a part. `status` is that of an answer, 0 to leave it; `body` None to leave it.

    `whole`: this is all there is to say about the message, and its body is `body` whatever it was. `parts` are those
    that the processor wants to see from now on, None where it says nothing of it.
    """

    changes: list[Change]
    status: int = 0
    body: bytes | None = None
    whole: bool = False
    parts: Parts | None = None


class Immediate(NamedTuple):
    """An answer for the caller instead of the service's."""

    status: int
    changes: list[Change]
    body: bytes


class Patience(NamedTuple):
    """The processor asks for so many seconds more."""

    seconds: float


def configuration(parts: Parts) -> bytes:
    """Return the part of the first message that says how bodies will be shown."""
    modes = number(1, _BUFFERED if parts.request_body else _NONE) + number(
        2, _BUFFERED if parts.response_body else _NONE
    )
    return message(11, modes)


def headers_message(part: Part, fields: Headers, *, bodiless: bool) -> bytes:
    """Return a `ProcessingRequest` that shows the head of a message."""
    pairs = b"".join([message(1, text(1, name) + text(3, value)) for name, value in fields])
    return message(part, message(1, pairs) + number(3, bodiless))


def body_message(part: Part, body: bytes) -> bytes:
    """Return a `ProcessingRequest` that shows a whole body."""
    return message(part, text(1, body) + number(2, 1))


def read_answer(data: bytes, part: Part, configured: Parts | None) -> Said | Immediate | Patience:
    """Read a `ProcessingResponse` about a part. Raises `WireError`, also for what cannot be done here.

    `configured` are the parts that are shown where the processor does not say otherwise, None where it may not.
    """
    answer = Message(data)
    if 10 in answer:
        # Whatever else there is in such an answer is not looked at.
        duration = answer.message(10)
        return Patience(_signed(duration.number(1)) + _signed(duration.number(2)) / 1e9)
    if 7 in answer:
        return _immediate(answer.message(7))
    if part - 1 not in answer:
        raise WireError("the processor answers something else than it was asked")
    common = answer.message(part - 1).message(1)
    status, changes = _changes(common.message(2), of_answer=part in (Part.RESPONSE_HEADERS, Part.RESPONSE_BODY))
    about_body = part in (Part.REQUEST_BODY, Part.RESPONSE_BODY)
    what = common.number(1)
    if what not in (_CONTINUE, _CONTINUE_AND_REPLACE):
        raise WireError("nothing is known to do with a message like this")
    replaces = what == _CONTINUE_AND_REPLACE
    body = _body(common.message(3)) if about_body or replaces else None
    if replaces and not about_body:
        return Said(changes, status, body or b"", whole=True)
    parts = _parts(answer.message(9), configured) if 9 in answer and configured is not None and not about_body else None
    return Said(changes, status, body, parts=parts)


def _changes(mutation: Message, *, of_answer: bool) -> tuple[int, list[Change]]:
    """Return the status that is set, 0 for none, and the changes of headers."""
    status = 0
    found = [Change(Action.REMOVE, name) for name in mutation.texts(2)]
    found += [header_change(each) for each in mutation.messages(1)]
    changes = []
    for change in found:
        name = change.name.lower()
        if name in _PASSED_OVER or (name[:1] == b":" and change.action == Action.REMOVE):
            continue
        if name == _STATUS and of_answer:
            status = _checked_status(int(change.value) if _is_status(change.value) else 0)
        elif name[:1] == b":":
            raise WireError("where a request goes is not changed any more")
        else:
            changes.append(change)
    return status, changes


def _body(mutation: Message) -> bytes | None:
    if 3 in mutation:
        raise WireError("bodies do not come in pieces here")
    if 1 in mutation:
        return mutation.text(1)
    return b"" if mutation.number(2) else None


def _immediate(immediate: Message) -> Immediate:
    status = _checked_status(immediate.message(1).number(1))
    _, changes = _changes(immediate.message(2), of_answer=True)
    return Immediate(status, changes, immediate.text(3))


def _checked_status(status: int) -> int:
    if not 200 <= status <= 599:
        raise WireError("no answer has this status")
    return status


def _parts(mode: Message, configured: Parts) -> Parts:
    if mode.number(5) == _SEND or mode.number(6) == _SEND:
        raise WireError("trailers are not shown")
    said = mode.number(2)
    if said > _SKIP:
        raise WireError("no mode of headers has this number")
    response_headers = configured.response_headers if said == _DEFAULT else said == _SEND
    return Parts(configured.request_headers, _is_shown(mode.number(3)), response_headers, _is_shown(mode.number(4)))


def _is_shown(mode: int) -> bool:
    if mode not in (_NONE, _BUFFERED):
        raise WireError("bodies are shown whole or not at all")
    return mode == _BUFFERED


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
