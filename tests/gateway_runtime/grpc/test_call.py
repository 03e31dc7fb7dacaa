"""How an answer to a call is read: one message, or the reason why there is none."""

import asyncio
from typing import Any

import pytest

from gateway_runtime.grpc import call as module
from gateway_runtime.grpc.call import call
from gateway_runtime.grpc.framing import CallFailed
from gateway_runtime.upstream.asking import Answered
from gateway_runtime.upstream.errors import UpstreamError

GRPC = [(b"content-type", b"application/grpc+proto")]
GOOD = b"\0\0\0\0\3abc"


def answer(monkeypatch: pytest.MonkeyPatch, answered: Answered) -> tuple[bytes, dict[str, Any]]:
    asked: dict[str, Any] = {}

    async def ask(pool: Any, method: bytes, path: bytes, lines: Any, body: bytes, **more: Any) -> Answered:
        asked.update(method=method, path=path, lines=tuple(lines), body=body, **more)
        return answered

    monkeypatch.setattr(module, "ask", ask)
    found = asyncio.run(call(None, b"/a.B/C", b"xy", seconds=0.5, limit=100))  # type: ignore[arg-type]
    return found, asked


def test_a_message_each_way(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = answer(monkeypatch, Answered(200, GRPC, GOOD, [(b"grpc-status", b"0")]))
    assert found == b"abc"
    assert (asked["method"], asked["path"], asked["body"]) == (b"POST", b"/a.B/C", b"\0\0\0\0\2xy")
    assert b"grpc-timeout: 500m" in asked["lines"]
    assert b"content-type: application/grpc" in asked["lines"]


@pytest.mark.parametrize(
    ("fields", "trailers"),
    [(GRPC, [(b"grpc-status", b"7")]), ([*GRPC, (b"grpc-status", b"7"), (b"grpc-message", b"no")], [])],
)
def test_an_error_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch, fields: Any, trailers: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        answer(monkeypatch, Answered(200, fields, b"", trailers))
    assert caught.value.status == 7


@pytest.mark.parametrize(
    "answered",
    [
        Answered(404, GRPC, GOOD, [(b"grpc-status", b"0")]),
        Answered(200, [(b"content-type", b"text/html")], GOOD, [(b"grpc-status", b"0")]),
        Answered(200, [], GOOD, [(b"grpc-status", b"0")]),
        Answered(200, GRPC, GOOD, []),
        Answered(200, GRPC, GOOD, [(b"grpc-status", b"-1")]),
        Answered(200, GRPC, GOOD, [(b"grpc-status", b"")]),
        Answered(200, GRPC, b"", [(b"grpc-status", b"0")]),
        Answered(200, GRPC, b"\1\0\0\0\3abc", [(b"grpc-status", b"0")]),
        Answered(200, GRPC, b"\0\0\0\0\4abc", [(b"grpc-status", b"0")]),
        Answered(200, GRPC, GOOD + GOOD, [(b"grpc-status", b"0")]),
    ],
)
def test_what_is_no_answer_of_grpc_is_none(monkeypatch: pytest.MonkeyPatch, answered: Answered) -> None:
    with pytest.raises(UpstreamError) as caught:
        answer(monkeypatch, answered)
    assert caught.value.response.code == "upstream_bad_response"
