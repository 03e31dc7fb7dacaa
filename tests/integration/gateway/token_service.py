"""A service that takes tokens of a real provider: in strict mode it asks about each, and says 401 to all others."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2 as httpx

from tests.integration.token_provider import TokenProvider


class TokenService:
    """Answers with the headers that it was asked with; `last` are those of the last request."""

    def __init__(self, provider: TokenProvider) -> None:
        self.strict = False
        self.last: dict[str, str] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = service.last = {name.lower(): value for name, value in self.headers.items()}
                accepted = not service.strict or service.accepts(provider, headers.get("authorization", ""))
                body = json.dumps({"headers": headers}).encode() if accepted else b"{}"
                self.send_response(200 if accepted else 401)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def accepts(provider: TokenProvider, authorization: str) -> bool:
        """Ask the provider about a token."""
        try:
            return provider.is_active(authorization.removeprefix("Bearer "))
        except httpx.TransportError:
            return False

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
