"""Policies that look into bodies, from files as they are documented: what callers get and what the service sees."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import pytest

from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports

pytestmark = pytest.mark.integration

SPEC = """
          openapi: 3.0.3
          info: {title: Orders, version: "1"}
          paths:
            /orders:
              post:
                requestBody:
                  required: true
                  content:
                    application/json:
                      schema:
                        type: object
                        required: [sku]
                        properties:
                          sku: {type: string, pattern: "^A-[0-9]+$"}
                responses: {"201": {description: Created}}
            /orders/{id}:
              get:
                parameters:
                  - {name: id, in: path, required: true, schema: {type: integer}}
                  - {name: limit, in: query, schema: {type: integer}}
                responses: {"200": {description: An order}}
"""
POLICIES = {
    "json": """
    - policyRef: {name: json-threat-protection-flex}
      config:
        maxContainerDepth: 3
        maxObjectEntryCount: 3
        maxObjectEntryNameLength: 10
        maxArrayElementCount: 3
        maxStringValueLength: 10
""",
    "xml": """
    - policyRef: {name: xml-threat-protection-flex}
      config:
        maxNodeDepth: 2
        maxAttributeCountPerElement: 1
        maxChildCount: 2
        maxTextLength: 20
        maxAttributeLength: 20
        maxCommentLength: 20
""",
    "schema": f"""
    - policyRef: {{name: spec-validation-flex}}
      config:
        source: inline
        apiBasePath: /
        blockOperation: true
        strictParamsValidation: true
        spec: |{SPEC}
""",
    "logged": f"""
    - policyRef: {{name: spec-validation}}
      config:
        source: inline
        blockOperation: false
        spec: |{SPEC}
""",
    "tried": """
    - policyRef: {name: json-threat-protection}
      mode: shadow
      config: {maxContainerDepth: 1}
""",
}
API = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: {name}}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{all: {{address: "http://127.0.0.1:{backend}"}}}}
  policies:{policies}"""


class Place(NamedTuple):
    """A gateway with an API for each policy, and what its service has seen."""

    port: int
    seen: list[bytes]

    def send(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> tuple[int, str]:
        """Return the status and the code of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=not isinstance(body, bytes | None))
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}").get("code", "")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    seen: list[bytes] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    folder, port = tmp_path_factory.mktemp("inspected"), free_ports(1)[0]
    file = folder / "apis.yaml"
    backend = server.server_address[1]
    file.write_text("".join(API.format(name=n, port=port, backend=backend, policies=p) for n, p in POLICIES.items()))
    gateway = GatewayProcess(folder, config=file, workers=1)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        yield Place(port, seen)
    finally:
        gateway.kill()
        server.shutdown()
        server.server_close()


JSON, XML = {"content-type": "application/json"}, {"content-type": "text/xml"}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        ("/json", JSON, b'{"a":[{"b":"x"}]}', 200, ""),
        ("/json", {"content-type": "text/plain"}, b"[" * 1_000, 200, ""),
        ("/json", JSON, b'{"a":[{"b":[]}]}', 400, "json_too_deep"),
        ("/json", JSON, b"[" * 1_000_000, 400, "json_too_deep"),
        ("/json", JSON, b'{"a":1,"a":2,"a":3,"a":4}', 400, "json_too_many_entries"),
        ("/json", JSON, b'{"a-very-long-name":1}', 400, "json_name_too_long"),
        ("/json", {}, b"[1,2,3,4]", 400, "json_too_many_elements"),
        ("/json", JSON, b'["a very long text"]', 400, "json_string_too_long"),
        ("/json", JSON, b"\xff\xfe", 400, "json_malformed"),
        ("/xml", XML, b"<a x='1'><b>text</b></a>", 200, ""),
        ("/xml", XML, b"<a><b><c/></b></a>", 400, "xml_too_deep"),
        ("/xml", XML, b"<a x='1' y='2'/>", 400, "xml_too_many_attributes"),
        ("/xml", XML, b"<a><b/><b/><b/></a>", 400, "xml_too_many_children"),
        ("/xml", XML, b"<a>a text that is too long for this</a>", 400, "xml_text_too_long"),
        ("/xml", XML, b"<a x='a value that is too long for this'/>", 400, "xml_attribute_too_long"),
        ("/xml", XML, b"<a><!-- a comment that is too long --></a>", 400, "xml_comment_too_long"),
        ("/xml", XML, b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///x'>]><a>&x;</a>", 400, "xml_doctype_not_allowed"),
        ("/xml", XML, b"<a>", 400, "xml_malformed"),
        ("/schema/orders", JSON, b'{"sku":"A-1"}', 200, ""),
        ("/schema/orders", JSON, b'{"sku":"sesame"}', 400, "body_invalid"),
        ("/schema/orders", JSON, b"", 400, "body_missing"),
        ("/schema/orders", XML, b"<a/>", 400, "content_type_not_in_specification"),
        ("/schema/other", JSON, b"{}", 400, "path_not_in_specification"),
        ("/schema/orders/1", JSON, b"{}", 400, "method_not_in_specification"),
        ("/logged/orders", JSON, b'{"sku":"sesame"}', 200, ""),
        ("/tried", JSON, b"[[]]", 200, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_a_refused_body_never_reaches_the_service(
    place: Place, path: str, headers: dict[str, str], body: bytes, status: int, code: str, chunked: bool
) -> None:
    place.seen.clear()
    pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    assert place.send(path, iter(pieces) if chunked else body, headers) == (status, code)
    assert len(place.seen) == (1 if status == 200 else 0)
    if status == 200 and not chunked:
        assert place.seen == [body]


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/schema/orders/7?limit=5", 200, ""),
        ("/schema/orders/seven", 400, "parameter_invalid"),
        ("/schema/orders/7?limit=x", 400, "parameter_invalid"),
        ("/schema/orders/7?other=1", 400, "parameter_not_in_specification"),
        ("/logged/orders/seven?other=1", 200, ""),
    ],
)
def test_parameters_are_checked_before_anything_is_passed_on(place: Place, target: str, status: int, code: str) -> None:
    place.seen.clear()
    assert place.send(target, method="GET") == (status, code)
    assert len(place.seen) == (1 if status == 200 else 0)
