"""Real authorizers: one of Envoy's gRPC service, made of its own message definitions, and one of HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from envoy.service.auth.v2 import external_auth_pb2 as v2
from envoy.service.auth.v2 import external_auth_pb2_grpc as v2_grpc
from envoy.service.auth.v3 import external_auth_pb2 as v3
from envoy.service.auth.v3 import external_auth_pb2_grpc as v3_grpc

# Says what is answered to a question.
Decide = Callable[[Any, grpc.ServicerContext], Any]


class GrpcAuthorizer:
    """Decides by the request's header `x-case`. `asked` are the questions, `peers` the connections they came by."""

    def __init__(self, cases: dict[str, Decide]) -> None:
        self.cases = cases
        self.asked: list[Any] = []
        self.peers: set[str] = set()
        self.port = 0
        self._server: grpc.Server | None = None

    def start(self) -> GrpcAuthorizer:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=20), options=[("grpc.so_reuseport", 0)])
        v3_grpc.add_AuthorizationServicer_to_server(self, server)
        v2_grpc.add_AuthorizationServicer_to_server(_V2(), server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(None).wait(5)
            self._server = None

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.asked.append(request)
        self.peers.add(context.peer())
        return self.cases[request.attributes.request.http.headers.get("x-case", "grant")](request, context)


class _V2:
    """The older service: it lets pass and says so."""

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        path = request.attributes.request.http.path
        answer = v2.CheckResponse()
        answer.status.code = 7 if path.endswith("/denied") else 0
        if not answer.status.code:
            header = answer.ok_response.headers.add().header
            header.key, header.value = "x-version", "v2"
        return answer


def granted(*headers: tuple[str, str], **more: Any) -> v3.CheckResponse:
    """Return a yes with headers for the backend, set as they are when nothing else is said."""
    answer = v3.CheckResponse()
    answer.status.code = 0
    answer.ok_response.SetInParent()
    for key, value in headers:
        header = answer.ok_response.headers.add().header
        header.key, header.value = key, value
    answer.ok_response.headers_to_remove.extend(more.get("remove", ()))
    for key, value in more.get("to_caller", ()):
        header = answer.ok_response.response_headers_to_add.add().header
        header.key, header.value = key, value
    for key, value, append in more.get("actions", ()):
        option = answer.ok_response.headers.add()
        option.header.key, option.header.value, option.append_action = key, value, append
    return answer


def denied(status: int = 0, body: str = "", *headers: tuple[str, str]) -> v3.CheckResponse:
    """Return a no."""
    answer = v3.CheckResponse()
    answer.status.code = 7
    if status or body or headers:
        answer.denied_response.status.code = status
        answer.denied_response.body = body
        for key, value in headers:
            header = answer.denied_response.headers.add().header
            header.key, header.value = key, value
    return answer


class HttpAuthorizer:
    """Answers by the last part of a path: status, headers, body. `asked` are method, path and headers of questions."""

    def __init__(self, cases: dict[str, tuple[int, list[tuple[str, str]], bytes]]) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.peers: set[Any] = set()
        authorizer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                authorizer.asked.append((self.command, self.path, headers))
                authorizer.peers.add(self.client_address)
                status, fields, body = cases[self.path.partition("?")[0].rsplit("/", 1)[1]]
                # As bytes: some of them would be refused here, too.
                head = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in fields)]
                head.append(f"content-length: {len(body)}")
                self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1"))
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = _answer

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
