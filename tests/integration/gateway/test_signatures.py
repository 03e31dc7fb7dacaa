"""Signed requests at a real gateway: of callers (HMAC) and to services (AWS), from files."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.gateway_runtime.policies.aws import faults
from tests.gateway_runtime.policies.signatures import SHOP, USUAL, digest, signed
from tests.integration.conftest import RedisServer
from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.test_shared_limits import wait_for_storage
from tests.stack import free_ports

pytestmark = pytest.mark.integration

AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION = "temporary/token+=="
STORAGE = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: Configuration
metadata: {name: storage}
spec:
  sharedStorage:
    redis: {address: "127.0.0.1:%d", password: "%s"}
"""
POLICIES = {
    "signed": """
    - policyRef: {name: hmac-signature-flex}
      config: {keys: $KEYS}
""",
    "tried": """
    - policyRef: {name: hmac-signature}
      mode: shadow
      config: {keys: $KEYS}
""",
    "s3": """
    - policyRef: {name: aws-request-signature-flex}
      config: {region: eu-central-1, service: s3, accessKeyId: AKIDEXAMPLE, secretAccessKey: $AWS_SECRET}
    - policyRef: {name: header-injection-flex}
      config: {inboundHeaders: [{key: x-amz-acl, value: private}]}
""",
    "streamed": """
    - policyRef: {name: aws-request-signature}
      config:
        region: eu-central-1
        service: s3
        accessKeyId: AKIDEXAMPLE
        secretAccessKey: $AWS_SECRET
        payload: unsigned
""",
    "temporary": """
    - policyRef: {name: aws-request-signature}
      config:
        region: us-east-1
        service: execute-api
        accessKeyId: AKIDEXAMPLE
        secretAccessKey: $AWS_SECRET
        sessionToken: $AWS_SESSION
""",
    "on-service": "",
}
FILE = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {name: {name}}
spec:
  address: http://127.0.0.1:{port}/{name}
  services: {backend: {address: "http://127.0.0.1:{backend}", routes: [{config: {destinationPath: /prefix}}]}}
  policies:{policies}
"""
ON_SERVICE = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {name: signature}
spec:
  targetRef: {kind: Service, name: on-service-backend}
  policyRef: {name: aws-request-signature-flex}
  config: {region: eu-west-1, service: es, accessKeyId: AKIDEXAMPLE, secretAccessKey: $AWS_SECRET}
"""


class Seen(NamedTuple):
    """A request as the service got it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def faults(self, token: str = "") -> list[str]:
        """Return what AWS would find wrong with it."""
        return faults(self.method, self.target, self.headers, self.body, secret=AWS_SECRET, token=token)


class Place(NamedTuple):
    """A gateway with two workers and a shared storage, and a service that remembers what it got."""

    gateway: GatewayProcess
    port: int
    redis: RedisServer
    seen: list[Seen]

    def call(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body=body or None, headers=headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}").get("code", "")
        finally:
            connection.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("signatures")
    (folder / "redis").mkdir(mode=0o700)
    redis = RedisServer(folder / "redis")
    redis.start()
    seen: list[Seen] = []
    server = service(seen)
    port = free_ports(1)[0]
    config = write_files(folder, redis, port, server.server_address[1])
    environment = {"KEYS": f"shop:{SHOP}", "AWS_SECRET": AWS_SECRET, "AWS_SESSION": SESSION}
    gateway = GatewayProcess(folder, config=config, workers=2, environment=environment)
    try:
        gateway.start()
        gateway.wait_for_revision(1)
        wait_for_storage(gateway, up=True)
        yield Place(gateway, port, redis, seen)
    finally:
        gateway.kill()
        redis.kill()
        server.shutdown()
        server.server_close()


def service(seen: list[Seen]) -> ThreadingHTTPServer:
    """Run a service that remembers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers.get("transfer-encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size + 2)[:-2]
                self.rfile.readline()
            seen.append(Seen(self.command, self.path, self.headers.items(), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def write_files(folder: Path, redis: RedisServer, port: int, backend: int) -> Path:
    text = STORAGE % (redis.port, redis.password)
    for name, policies in POLICIES.items():
        one = FILE.replace("{name: {name}}", f"{{name: {name}}}").replace("{name}", name)
        one = one.replace("{port}", str(port)).replace("{backend}", str(backend))
        text += one.replace("{policies}", policies.rstrip() or " []")
    config = folder / "gateway.yaml"
    config.write_text(text + ON_SERVICE)
    return config


def now() -> int:
    return int(time.time())


def hmac_headers(place: Place, method: str, target: str, body: bytes = b"", **how: Any) -> dict[str, str]:
    headers = {"host": f"127.0.0.1:{place.port}"}
    components = USUAL
    if body:
        headers["content-digest"] = digest(body)
        components = (*USUAL, "content-digest")
    return signed(method, target, headers, **({"created": now(), "components": components} | how))


# HMAC


def test_a_signed_request_passes_and_the_service_gets_it_whole(place: Place) -> None:
    body = b'{"amount": 7}' * 100
    headers = hmac_headers(place, "POST", "/signed/orders?dry=1", body)
    place.seen.clear()
    assert place.call("POST", "/signed/orders?dry=1", headers, body) == (200, "")
    (seen,) = place.seen
    assert (seen.method, seen.body) == ("POST", body)
    assert dict(seen.headers)["content-digest"] == digest(body)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"target": "/signed/orders?dry=0"}, "hmac_invalid"),
        ({"method": "PUT"}, "hmac_invalid"),
        ({"body": b'{"amount": 8}'}, "hmac_digest"),
        ({"body": b""}, "hmac_digest"),
        ({"how": {"created": 1}}, "hmac_clock"),
        ({"how": {"created": now() - 3600}}, "hmac_clock"),
        ({"how": {"created": now() + 3600}}, "hmac_clock"),
        ({"how": {"secret": SHOP[::-1]}}, "hmac_invalid"),
        ({"how": {"key_id": "stock"}}, "hmac_invalid"),
        ({"how": {"alg": "none"}}, "hmac_algorithm"),
        ({"how": {"components": USUAL}}, "hmac_digest"),
        ({"how": {"components": ("@method",)}}, "hmac_components"),
        ({"drop": "signature"}, "hmac_unreadable"),
        ({"drop": "signature-input"}, "hmac_unreadable"),
        ({"drop": "content-digest"}, "hmac_unreadable"),
    ],
)
def test_what_is_changed_on_the_way_is_refused(place: Place, change: dict[str, Any], expected: str) -> None:
    method, target, body = "POST", "/signed/orders?dry=1", b'{"amount": 7}'
    headers = hmac_headers(place, method, target, body, **change.get("how", {}))
    headers.pop(change.get("drop", ""), None)
    place.seen.clear()
    found = place.call(change.get("method", method), change.get("target", target), headers, change.get("body", body))
    assert found == (401, expected)
    assert place.seen == []


def test_a_request_is_accepted_once_by_all_workers(place: Place) -> None:
    headers = hmac_headers(place, "GET", "/signed/orders", nonce="once")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: place.call("GET", "/signed/orders", headers), range(32)))
    assert sorted(found) == [(200, "")] + [(401, "hmac_replayed")] * 31


def test_a_policy_that_is_tried_out_refuses_nobody(place: Place) -> None:
    headers = hmac_headers(place, "POST", "/tried", b"1")
    for body in (b"1", b"1", b"2", b""):
        assert place.call("POST", "/tried", headers, body) == (200, "")


# AWS


@pytest.mark.parametrize("target", ["/a.txt", "/a%20b/%C3%A9?x=1&y=%2F", "?b=2&a=1&a=0", "/a?acl"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["s3", "streamed", "temporary", "on-service"])
def test_what_the_service_gets_is_signed_as_aws_signs(place: Place, name: str, method: str, target: str) -> None:
    body = b"x" * 100_000 if method == "PUT" else b""
    theirs = {"authorization": "Bearer mine", "x-amz-date": "1", "content-type": "text/plain", "x-amz-meta-a": " b  c"}
    place.seen.clear()
    assert place.call(method, f"/{name}{target}", theirs, body) == (200, "")
    (seen,) = place.seen
    assert seen.faults(SESSION if name == "temporary" else "") == []
    assert seen.target.startswith("/prefix")
    headers = dict(seen.headers)
    if name == "s3":
        assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        assert headers["x-amz-acl"] == "private"
    if name == "streamed":
        assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


def test_a_body_of_unknown_length_is_signed_too(place: Place) -> None:
    place.seen.clear()
    connection = HTTPConnection("127.0.0.1", place.port, timeout=20)
    connection.request("PUT", "/s3/a", body=iter([b"one", b"two"]), encode_chunked=True,
                       headers={"transfer-encoding": "chunked"})  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()
    (seen,) = place.seen
    assert seen.body == b"onetwo"
    assert seen.faults() == []


def test_no_secret_is_in_the_log(place: Place) -> None:
    for secret in (SHOP, AWS_SECRET, SESSION):
        assert secret not in place.gateway.log


# Last, because it ends the storage.


def test_while_the_storage_is_away_nobody_is_let_in(place: Place) -> None:
    place.redis.kill()
    found = [place.call("GET", "/signed/a", hmac_headers(place, "GET", "/signed/a", nonce=str(n))) for n in range(5)]
    assert set(found) == {(503, "hmac_storage_away")}
