"""The HTTP side that all demo services share: routes, JSON, pages and problem bodies (RFC 9457)."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MAX_BODY = 256 * 1024
MAX_LIMIT = 100


class ServiceError(Exception):
    """An answer that is a problem body."""

    def __init__(self, status: int, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
        self.body |= {"detail": detail, **members}


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as a route sees it."""

    parameters: dict[str, str]
    query: dict[str, str]
    body: Any = None

    def text(self, name: str) -> str | None:
        """Return a query parameter."""
        return self.query.get(name) or None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number within limits."""
        value = self.query.get(name, "")
        if not value:
            return default
        if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
            raise ServiceError(400, "invalid_parameter", f"{name} must be a whole number from {low} to {high}.")
        return int(value)

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """Return one of some words."""
        value = self.text(name)
        if value is not None and value not in allowed:
            raise ServiceError(400, "invalid_parameter", f"{name} must be one of {', '.join(allowed)}.")
        return value

    def page(self) -> tuple[int, int]:
        """Return limit and offset of a list."""
        return self.number("limit", 20, 1, MAX_LIMIT), self.number("offset", 0, 0, 1_000_000)

    def document(self, required: dict[str, type]) -> dict[str, Any]:
        """Return the body, which must be an object with these members."""
        if not isinstance(self.body, dict):
            raise ServiceError(400, "invalid_body", "The body must be a JSON object.")
        wrong = [name for name, kind in required.items() if not isinstance(self.body.get(name), kind)]
        if wrong:
            raise ServiceError(
                400, "invalid_body", f"These members are missing or of the wrong type: {', '.join(wrong)}."
            )
        return self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route returns when it is more than a document with 200."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[[Request], Any]


@dataclass(frozen=True, slots=True)
class Service:
    """A name and its routes: `("GET", "/{id}", function)`."""

    name: str
    routes: Sequence[tuple[str, str, Route]]

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of a call and its path parameters."""
        path = path.rstrip("/") or "/"
        methods = set()
        for route_method, template, route in self.routes:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
            if found := re.fullmatch(pattern, path):
                if route_method == method:
                    return route, found.groupdict()
                methods.add(route_method)
        if methods:
            raise ServiceError(405, "method_not_allowed", f"Use {', '.join(sorted(methods))} here.")
        raise ServiceError(404, "not_found", f"There is nothing at {path}.")


class Server(ThreadingHTTPServer):
    """Serves one service with a thread per connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        self.service = service
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """Turns HTTP into a `Request` and an `Answer` into HTTP."""

    protocol_version = "HTTP/1.1"
    server: Server
    # One segment per answer instead of two that wait for each other.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 75

    def respond(self) -> None:
        """Answer one call."""
        parts = urlsplit(self.path)
        try:
            body = self._body()
            route, parameters = self.server.service.match("GET" if self.command == "HEAD" else self.command, parts.path)
            result = route(Request(parameters, dict(parse_qsl(parts.query)), body))
            answer = result if isinstance(result, Answer) else Answer(result)
            kind = "application/json"
        except ServiceError as error:
            answer, kind = Answer(error.body, error.status), "application/problem+json"
        content = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond

    def _body(self) -> Any:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            content = self._chunks()
        else:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                raise ServiceError(413, "body_too_large", f"A body may have at most {MAX_BODY} bytes.")
            content = self.rfile.read(int(length))
        if not content:
            return None
        try:
            return json.loads(content)
        except ValueError as error:
            raise ServiceError(400, "invalid_body", "The body is not JSON.") from error

    def _chunks(self) -> bytes:
        """Read a chunked body; a gateway that streams sends no length."""
        content = b""
        while True:
            try:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
            except ValueError as error:
                self.close_connection = True
                raise ServiceError(400, "invalid_body", "The chunks of the body cannot be read.") from error
            if len(content) + size > MAX_BODY:
                self.close_connection = True
                raise ServiceError(413, "body_too_large", f"A body may have at most {MAX_BODY} bytes.")
            if size == 0:
                while self.rfile.readline(1024).strip():
                    pass
                return content
            content += self.rfile.read(size)
            self.rfile.readline(8)

    def version_string(self) -> str:
        """Name the service in the Server header, not the language it is written in."""
        return self.server.service.name

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the gateway counts the calls."""
