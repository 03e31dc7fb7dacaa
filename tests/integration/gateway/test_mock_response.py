"""Answers from a specification, from files as they are documented: what callers get while no service is there."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

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
                    application/json: {schema: {type: object, required: [sku]}}
                responses: {"204": {description: Taken}}
            /orders/{id}:
              get:
                parameters:
                  - {name: id, in: path, required: true, schema: {type: integer}}
                responses:
                  "200":
                    description: An order
                    content:
                      application/json:
                        examples:
                          small: {value: {id: 1}}
                          large: {value: {id: 2}}
                        schema: {type: object, properties: {id: {type: integer, minimum: 5}}}
                      text/plain: {example: one}
                  "404":
                    description: None
                    content: {application/json: {example: {message: gone}}}
"""
FILE = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {{name: {name}}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {{all: {{address: "http://127.0.0.1:{nobody}"}}}}
  policies:
    - policyRef: {{name: cors}}
      config: {{publicResource: true}}
    - policyRef: {{name: {policy}}}
      config:
        source: inline
        apiBasePath: /
        validateRequests: true
        spec: |{spec}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, (port, nobody) = tmp_path_factory.mktemp("mocked"), free_ports(2)
    file = folder / "apis.yaml"
    names = {"plain": "mock-response", "flex": "mock-response-flex"}
    file.write_text(
        "".join(FILE.format(name=n, policy=p, port=port, nobody=nobody, spec=SPEC) for n, p in names.items())
    )
    gateway = GatewayProcess(folder, config=file, workers=1)
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        yield port
    finally:
        gateway.kill()


@pytest.mark.parametrize("api", ["plain", "flex"])
@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "told"),
    [
        ("GET", "/orders/1", {}, None, 200, b'{"id":1}'),
        ("GET", "/orders/1", {"Prefer": "example=large"}, None, 200, b'{"id":2}'),
        ("GET", "/orders/1", {"Prefer": "dynamic=true"}, None, 200, b'{"id":5}'),
        ("GET", "/orders/1", {"Prefer": "code=404"}, None, 404, b'{"message":"gone"}'),
        ("GET", "/orders/1", {"MS2-Status-Code": "404"}, None, 404, b'{"message":"gone"}'),
        ("GET", "/orders/1", {"Accept": "text/plain"}, None, 200, b"one"),
        ("POST", "/orders", {}, b'{"sku":1}', 204, b""),
        ("GET", "/orders/x", {}, None, 400, "mock_request_invalid"),
        ("POST", "/orders", {}, b"{}", 400, "mock_request_invalid"),
        ("GET", "/other", {}, None, 404, "mock_path_unknown"),
        ("GET", "/orders/1", {"Prefer": "code=500"}, None, 404, "mock_status_unknown"),
        ("GET", "/orders/1", {"Prefer": "example=other"}, None, 404, "mock_example_unknown"),
        ("DELETE", "/orders/1", {}, None, 405, "mock_method_unknown"),
        ("GET", "/orders/1", {"Accept": "image/png"}, None, 406, "mock_not_acceptable"),
    ],
)
def test_the_specification_answers(
    port: int, api: str, method: str, path: str, headers: dict[str, str], body: bytes | None, status: int, told: Any
) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(method, f"/{api}{path}", body, headers)
        response = connection.getresponse()
        read = response.read()
    finally:
        connection.close()
    assert (response.status, read if isinstance(told, bytes) else json.loads(read)["code"]) == (status, told)
    assert response.getheader("allow") == ("GET, HEAD" if status == 405 else None)


def test_head_has_the_head_of_get_alone(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("HEAD", "/plain/orders/1")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"")
        assert response.getheader("content-type") == "application/json"
        assert response.getheader("content-length") == "8"
        # Nothing is left over on the connection.
        connection.request("GET", "/plain/orders/1")
        assert connection.getresponse().read() == b'{"id":1}'
    finally:
        connection.close()


def test_a_page_elsewhere_may_read_the_answer(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request("GET", "/plain/orders/1", headers={"Origin": "https://shop.example"})
        assert connection.getresponse().getheader("access-control-allow-origin") == "*"
    finally:
        connection.close()
