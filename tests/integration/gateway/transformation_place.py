"""One gateway with an API for every transformation, configured by files, and a service that says what it has seen."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports

JSON = {"content-type": "application/json"}
# One API each, at the path of its name. The indentation is that of `policies` in an ApiInstance.
POLICIES = {
    "documented-body": """
    - policyRef:
        name: dataweave-body-transformation-flex
      config:
        script: |
          {
            "id": attributes.headers.'custom-client-header',
            "username": payload.name ++ payload.surname
          }
        requestFlow: onRequest
""",
    "form": """
    - policyRef:
        name: dataweave-body-transformation
      config:
        script: |
          %dw 2.0
          output application/x-www-form-urlencoded
          ---
          payload - "secret"
        requestFlow: onRequest
""",
    "xml": """
    - policyRef:
        name: dataweave-body-transformation-flex
      config:
        script: |
          %dw 2.0
          output application/xml
          ---
          { answer: { status: attributes.statusCode, note: payload.note } }
        requestFlow: onResponse
""",
    "envelope": """
    - policyRef:
        name: dataweave-body-transformation-flex
      config:
        script: |
          if (attributes.statusCode >= 400)
            { error: { status: attributes.statusCode, message: payload.message default "unknown" } }
          else { data: payload -- ["password"] }
        requestFlow: onResponse
""",
    "documented-headers": """
    - policyRef:
        name: dataweave-headers-transformation-flex
      config:
        script: |
          {
            "custom_client_secret": "fixed_secret_123123231231231231",
            "custom_client_id": if (attributes.headers.'custom-client-header'?)
              attributes.headers.'custom-client-header'
              else "client-id-not-set"
          }
        requestFlow: onRequest
""",
    "headers-of-body": """
    - policyRef:
        name: dataweave-headers-transformation
      config:
        script: "attributes.headers ++ { 'x-order': payload.id, 'x-q': attributes.queryParams.q }"
        requestFlow: onRequest
        requiresPayload: true
    - policyRef:
        name: dataweave-headers-transformation
      config:
        script: "attributes.headers -- ['server'] ++ { 'x-status': attributes.statusCode, 'x-note': payload.note }"
        requestFlow: onResponse
        requiresPayload: true
""",
    "documented-filter": """
    - policyRef:
        name: dataweave-request-filter-flex
      config:
        script: |
          %dw 2.0
          output application/java
          ---
          if (attributes.headers["x-api-key"] != null) { success: true }
          else { success: false, response: { statusCode: 401, body: "Missing API key", headers: {} } }
        requiresPayload: false
""",
    "filter-body": """
    - policyRef:
        name: dataweave-request-filter
      config:
        script: |
          if (payload.amount <= 1000) { success: true }
          else { success: false, response: { statusCode: 422, body: { most: 1000 }, headers: { "x-why": "amount" } } }
        requiresPayload: true
""",
    "shadow": """
    - policyRef:
        name: dataweave-request-filter
      mode: shadow
      config:
        script: "{ success: payload.amount <= 1000 }"
        requiresPayload: true
""",
    "logged": """
    - policyRef:
        name: message-logging-flex
      config:
        loggingConfiguration:
          - itemName: bodies
            itemData:
              message: "#[payload.id default payload.note]"
              level: INFO
              firstSection: true
              secondSection: true
""",
    "limited": """
    - policyRef:
        name: rate-limiting-flex
      config:
        rateLimits: [{maximumRequests: 1, timePeriodInMilliseconds: 600000}]
        keySelector: "#[payload.tenant]"
        clusterizable: false
""",
    "both": """
    - policyRef:
        name: dataweave-body-transformation
      config: {script: "payload ++ {first: true}", requestFlow: onRequest}
    - policyRef:
        name: dataweave-body-transformation
      config: {script: "payload ++ {second: payload.first}", requestFlow: onRequest}
""",
}
API = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: {name}
spec:
  address: http://127.0.0.1:{port}/{name}
  services:
    backend:
      address: http://127.0.0.1:{backend}
      routes:
        - rules:
            - methods: GET|HEAD|POST|PUT
  policies:{policies}"""


class _Echo(BaseHTTPRequestHandler):
    """Says what it has seen; answers `/fixed/…` with a body of its own."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, kind, note = 200, "application/json", {"note": "hello", "password": "sesame"}
        length = self.headers.get("content-length")
        seen = self.rfile.read(int(length)) if length else self._chunks()
        headers: dict[str, str] = {}
        if "/seen" in self.path or self.command == "POST":
            sent = {"headers": {k.lower(): v for k, v in self.headers.items()}, "body": seen.decode("latin-1")}
            body = json.dumps({**sent, "note": "hello"}).encode()
        else:
            body = json.dumps(note).encode()
        if "/conflict" in self.path:
            status, body = 409, b'{"message": "out of stock"}'
        if "/broken" in self.path:
            body = b'{"note": '
        if "/cookies" in self.path:
            headers = {"etag": '"v1"', "content-digest": "sha-256=:x:"}
        if "gzip" in self.headers.get("accept-encoding", "") or "/always-gzip" in self.path:
            body, headers = gzip.compress(body), {"content-encoding": "gzip"}
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        if "/cookies" in self.path:
            self.send_header("set-cookie", "a=1")
            self.send_header("set-cookie", "b=2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_GET

    def _chunks(self) -> bytes:
        found = b""
        while self.headers.get("transfer-encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            found += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                break
        return found

    def log_message(self, *arguments: Any) -> None:
        pass


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name]
        assert len(found) < 2, found
        return found[0] if found else None


class Place(NamedTuple):
    gateway: GatewayProcess
    port: int

    def call(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        body: Any = None,
        method: str = "",
        chunked: bool = False,
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            method = method or ("GET" if body is None else "POST")
            given = iter([body[:3], body[3:]]) if chunked else body
            connection.request(method, path, given, headers or {}, encode_chunked=chunked)
            response = connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        finally:
            connection.close()


@contextmanager
def transformation_place(folder: Path) -> Iterator[Place]:
    """Run the gateway and its service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (port,) = free_ports(1)
    conf = folder / "conf.d"
    conf.mkdir()
    for name, policies in POLICIES.items():
        text = API.format(name=name, port=port, backend=server.server_address[1], policies=policies)
        Path(conf / f"{name}.yaml").write_text(text)
    gateway = GatewayProcess(folder, config=conf, workers=1)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        yield Place(gateway, port)
    finally:
        gateway.kill()
        server.shutdown()
        server.server_close()
