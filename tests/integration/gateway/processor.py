"""An external processor as somebody would write it, in a process of its own, made of Envoy's message definitions.

What it does is told by the request's header `x-case`. It prints a line of JSON for each thing that happens.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as v3
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as v3_grpc

APPEND, IF_ABSENT, OVERWRITE, IF_PRESENT = range(4)

Case = Callable[[str, v3.ProcessingRequest, grpc.ServicerContext], v3.ProcessingResponse | None]

_numbers = itertools.count()
_lock = threading.Lock()


def tell(number: int, event: str, **more: Any) -> None:
    """Print what has happened to a call."""
    with _lock:
        print(json.dumps({"call": number, "event": event, **more}), flush=True)


def plainly(part: str, **more: Any) -> v3.ProcessingResponse:
    """Return the answer that changes nothing."""
    return v3.ProcessingResponse(**{part: {}}, **more)


def changing(part: str, *headers: tuple[str, str, int], remove: list[str] | None = None, **common: Any) -> Any:
    """Return an answer with changes of headers, and perhaps of more."""
    mutation = {
        "remove_headers": remove or [],
        "set_headers": [
            {"header": {"key": key, "raw_value": value.encode()}, "append_action": action}
            for key, value, action in headers
        ],
    }
    return v3.ProcessingResponse(**{part: {"response": {"header_mutation": mutation, **common}}})


def immediate(status: int, body: bytes = b"", **headers: str) -> v3.ProcessingResponse:
    """Return an answer for the caller."""
    found = [{"header": {"key": name.replace("_", "-"), "value": value}} for name, value in headers.items()]
    return v3.ProcessingResponse(
        immediate_response={"status": {"code": status}, "headers": {"set_headers": found}, "body": body}
    )


def headers(part: str, message: Any, context: Any) -> Any:
    if part == "request_headers":
        sent = [("x-user", "ada", OVERWRITE), ("x-list", "b", APPEND), ("x-new", "1", IF_ABSENT),
                ("x-old", "2", IF_ABSENT), ("x-old2", "2", IF_PRESENT), ("x-gone", "2", IF_PRESENT),
                ("host", "evil", OVERWRITE), ("x-forwarded-for", "10.0.0.1", OVERWRITE)]  # fmt: skip
        return changing(part, *sent, remove=["x-secret"])
    if part == "response_headers":
        return changing(part, (":status", "201", OVERWRITE), ("x-processed", "yes", APPEND), remove=["server"])
    return plainly(part)


def body(part: str, message: Any, context: Any) -> Any:
    if not part.endswith("body"):
        return plainly(part)
    shown = getattr(message, part).body
    said = ("content-length", "1", OVERWRITE), ("x-bytes", str(len(shown)), OVERWRITE)
    return changing(part, *said, body_mutation={"body": shown.upper()})


def emptied(part: str, message: Any, context: Any) -> Any:
    return changing(part, body_mutation={"clear_body": True}) if part.endswith("body") else plainly(part)


def replaced(part: str, message: Any, context: Any) -> Any:
    return changing(part, status=1, body_mutation={"body": b"made of nothing"})


def choosing(part: str, message: Any, context: Any) -> Any:
    return plainly(part, mode_override={"request_body_mode": 2, "response_header_mode": 2})


def patient(part: str, message: Any, context: Any) -> Any:
    time.sleep(0.8)
    return plainly(part)


def waiting(part: str, message: Any, context: Any) -> Any:
    while context.is_active():
        time.sleep(0.02)
    return None


def at(where: str, what: Case) -> Case:
    """Return a case that does something at one part, and nothing at the others."""

    def do(part: str, message: Any, context: Any) -> Any:
        return what(part, message, context) if part == where else plainly(part)

    return do


def at_once(what: Case) -> tuple[Case, Case, Case]:
    """Return the case for the head of a request, that of its answer, and for the body of that."""
    return at("request_headers", what), at("response_headers", what), at("response_body", what)


def abort(part: str, message: Any, context: Any) -> Any:
    context.abort(grpc.StatusCode.INTERNAL, "no\r\nx-evil: 1")


def die(part: str, message: Any, context: Any) -> Any:
    os._exit(9)


def answering(found: Any) -> Case:
    return lambda part, message, context: found if not callable(found) else found(part)


WHAT: dict[str, Case] = {
    "deny": answering(immediate(403)),
    "teapot": answering(immediate(418, b"<b>teapot</b>", content_type="text/html", x_why="tea", connection="close")),
    "answer": answering(immediate(200, b"here")),
    "close": answering(None),
    "abort": abort,
    "die": die,
    "wait": waiting,
    "nothing": answering(v3.ProcessingResponse()),
    "crlf": answering(lambda part: changing(part, ("x-user", "ada\r\nx-admin: 1", OVERWRITE))),
    "path": answering(lambda part: changing(part, (":path", "/admin", OVERWRITE))),
    "trailers": answering(lambda part: plainly(part, mode_override={"request_trailer_mode": 1})),
    "large": answering(lambda part: changing(part, ("x-a", "x" * 40_000, OVERWRITE))),
}
CASES: dict[str, Case] = {
    "plain": lambda part, message, context: plainly(part),
    "headers": headers, "body": body, "emptied": emptied, "replaced": replaced, "choosing": choosing,
    "patient": at("request_headers", patient),
    **{
        name + ending: case
        for name, what in WHAT.items()
        for ending, case in zip(("", "-answer", "-answer-body"), at_once(what), strict=True)
    },
}  # fmt: skip


class Processor(v3_grpc.ExternalProcessorServicer):
    """The service."""

    def Process(
        self, messages: Iterator[v3.ProcessingRequest], context: grpc.ServicerContext
    ) -> Iterator[v3.ProcessingResponse]:
        number, heard_all = next(_numbers), False
        context.add_callback(lambda: tell(number, "over", heard_all=heard_all))
        name = ""
        for message in messages:
            part = str(message.WhichOneof("request"))
            shown = getattr(message, part)
            fields = [[each.key, each.raw_value.decode()] for each in shown.headers.headers] if "head" in part else []
            if not name:
                name = dict(fields).get("x-case", "plain")
            told = {"headers": fields} if fields else {"body": shown.body.decode("latin-1")}
            tell(number, part, case=name, peer=context.peer(), end=shown.end_of_stream, **told)
            if name.startswith("patient") and part == "request_headers":
                yield v3.ProcessingResponse(override_message_timeout={"seconds": 3})
            if name == "spurious":
                yield plainly(part)
            answer = CASES.get(name, CASES["plain"])(part, message, context)
            if answer is None:
                return
            yield answer
        heard_all = True


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=60), options=[("grpc.so_reuseport", 0)])
    v3_grpc.add_ExternalProcessorServicer_to_server(Processor(), server)
    assert server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    tell(-1, "started")
    server.wait_for_termination()
