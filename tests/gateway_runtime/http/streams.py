"""A whole conversation without sockets: bytes of a client, cut somewhere, and a service that answers each request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tests.gateway_runtime.fakes import FakeGateway, FakeUpstream

_REQUEST_ID = re.compile(rb'(x-request-id: |"request_id":")([A-Za-z0-9._-]+)')
_HEAD = re.compile(rb"(?:.+\r\n)+\r\n")
_SETTINGS = b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"  # the head of the frame that answers to HTTP/2
_CHUNK = re.compile(rb"([0-9a-f]+)\r\n")


class Reading(NamedTuple):
    """What the gateway took a byte stream for: whole requests as (head, body), the answers, whether it hung up."""

    requests: list[tuple[bytes, bytes]]
    answers: list[bytes]
    hung_up: bool

    def agrees_with(self, other: Reading) -> bool:
        """Tell whether there is one meaning. A reading may end early where its last answer says that it does."""
        shorter, longer = sorted((self, other), key=lambda reading: len(reading.answers))
        count = len(shorter.answers)
        if len(longer.answers) > count and not (count and b"\r\nconnection: close" in shorter.answers[-1]):
            return False
        # Whether the connection is kept may depend on how much of a body that nobody wants has come by then.
        same = [_meaning(a) for a in shorter.answers] == [_meaning(a) for a in longer.answers[:count]]
        return same and shorter.requests == longer.requests[: len(shorter.requests)]


def _meaning(answer: bytes) -> bytes:
    # Which of two faults is named may depend on where the bytes are cut; that there is one may not.
    return b"refused" if answer.startswith(b"HTTP/1.1 4") else answer.replace(b"connection: close\r\n", b"")


def _same_ids(data: bytes) -> bytes:
    return _REQUEST_ID.sub(lambda found: found[1] + b"x" * len(found[2]), data)


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Return the data in pieces that end at these places."""
    ends = sorted({at for at in cuts if 0 < at < len(data)})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]


def read(pieces: Iterable[bytes]) -> Reading:
    """Let a gateway read the pieces, and check what must hold at any end."""
    gateway = FakeGateway()
    client = gateway.client()
    services: list[_Service] = []
    for piece in pieces:
        if not client.transport.reading or client.hung_up:
            break
        if len(services) - sum(service.gone for service in services) < 2:
            services += [_Service(gateway.upstream()), _Service(gateway.upstream())]
        client.send(piece)
        while sum(service.serve() for service in services):
            pass
    hung_up = client.hung_up
    assert hung_up or client.transport.reading, "the connection is neither closed nor read: it hangs"
    client.go()
    assert not gateway.state.connections
    assert gateway.pool.active == 0
    written = _same_ids(client.take()).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    return Reading([request for service in services for request in service.requests], _answers(written), hung_up)


def _answers(written: bytes) -> list[bytes]:
    found = []
    if written.startswith(_SETTINGS):
        return [_SETTINGS]  # the client has begun to speak HTTP/2: what that means is tested elsewhere
    while written:
        head, end, rest = written.partition(b"\r\n\r\n")
        assert end, written
        assert head.startswith(b"HTTP/1.1 "), written
        length = re.search(rb"content-length: (\d+)", head, re.I)
        size = int(length[1]) if length else 0
        # Answers to HEAD have a length and no body; then the next thing is an answer again.
        body = b"" if rest.startswith(b"HTTP/1.1 ") or not rest else rest[:size]
        found.append(head + end + body)
        written = rest[len(body) :]
    return found


class _Service:
    """Answers each whole request on one connection."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self._upstream = upstream
        self._data = b""

    @property
    def gone(self) -> bool:
        """Whether the gateway has closed the connection."""
        return self._upstream.transport.closed

    def serve(self) -> bool:
        """Answer one request, if it is whole. Tell whether there was one."""
        self._data += self._upstream.take()
        head = _HEAD.match(self._data)
        if head is None or self.gone:
            return False
        body = self._body(head[0])
        if body is None:
            return False
        self.requests.append((_same_ids(head[0]), body))
        assert not self._data, "the gateway has asked again before it had an answer"
        self._upstream.answer(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if head[0].startswith(b"HEAD ") else b"hi")
        )
        return True

    def _body(self, head: bytes) -> bytes | None:
        rest = self._data[len(head) :]
        lines = head.lower().split(b"\r\n")
        lengths = [line for line in lines if line.startswith(b"content-length:")]
        codings = [line for line in lines if line.startswith(b"transfer-encoding:")]
        assert len(lengths) + len(codings) <= 1, head
        body = b""
        if codings:
            while True:
                size = _CHUNK.match(rest)
                if size is None:
                    return None
                end = size.end() + int(size[1], 16)
                if len(rest) < end + 2:
                    return None
                assert rest[end : end + 2] == b"\r\n"
                body += rest[size.end() : end]
                rest = rest[end + 2 :]
                if size[1] == b"0":
                    break
        elif lengths:
            size_ = int(lengths[0].split(b":")[1])
            if len(rest) < size_:
                return None
            body, rest = rest[:size_], rest[size_:]
        self._data = rest
        return body
