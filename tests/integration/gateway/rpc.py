"""A gRPC service and its callers, without generated code: messages are bytes, and all four kinds of call are there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc

SERVICE = "shop.Orders"
CHUNK = 64 << 10


def _same(message: bytes) -> bytes:
    return message


class Calls:
    """What the service does."""

    def unary(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        if message == b"fail":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today, señor")
        if message == b"slow":
            time.sleep(30)
        if message == b"metadata":
            given = dict(context.invocation_metadata())
            context.set_trailing_metadata((("x-trailing", "after"), ("x-data-bin", b"\0\xff")))
            return repr(sorted(key for key in given if key.startswith(("x-", "grpc")))).encode()
        if message == b"deadline":
            return b"%d" % context.time_remaining()
        return b"seen " + message

    def many_out(self, message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        count = int(message)
        for number in range(count):
            yield b"%d " % number + b"x" * (CHUNK if count > 100 else 0)

    def many_in(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return b"%d" % sum(len(message) for message in messages)

    def both(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        for message in messages:
            yield b"seen " + message


def serve(*, certificate: tuple[bytes, bytes] | None = None) -> tuple[grpc.Server, int]:
    """Start the service, with TLS if it has a key and a certificate, and return its port."""
    calls = Calls()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=40), options=[("grpc.so_reuseport", 0)])
    kinds: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(calls.unary, _same, _same),
        "ManyOut": grpc.unary_stream_rpc_method_handler(calls.many_out, _same, _same),
        "ManyIn": grpc.stream_unary_rpc_method_handler(calls.many_in, _same, _same),
        "Both": grpc.stream_stream_rpc_method_handler(calls.both, _same, _same),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, kinds),))
    if certificate is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([certificate]))
    server.start()
    return server, port


class Caller:
    """The four kinds of call on one channel."""

    def __init__(self, channel: grpc.Channel, port: int, secure: bool) -> None:
        self.channel = channel
        self.port = port
        self.secure = secure
        self.unary = channel.unary_unary(f"/{SERVICE}/Unary", _same, _same)
        self.many_out = channel.unary_stream(f"/{SERVICE}/ManyOut", _same, _same)
        self.many_in = channel.stream_unary(f"/{SERVICE}/ManyIn", _same, _same)
        self.both = channel.stream_stream(f"/{SERVICE}/Both", _same, _same)
