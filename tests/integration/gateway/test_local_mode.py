"""A real gateway that is configured by files: started, called, edited, broken and mended."""

import json
import os
import socket
import ssl
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority
from tests.integration.gateway.conftest import GatewayProcess, call
from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration

# The sample of the reference, with the addresses of this test.
MUSEUM = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: museum
  labels: {{zone: public}}
spec:
  address: http://127.0.0.1:{port}/museum
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: Service
metadata: {{name: exhibits}}
spec: {{address: "http://127.0.0.1:{backend}"}}
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {{name: museum-exhibits}}
spec:
  targetRef: {{name: museum}}
  policyRef: {{name: route}}
  config:
    destinationPath: /v3
    destinationRef: {{name: exhibits}}
  rules:
    - path: /rooms(/.*)
      methods: GET|HEAD
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {{name: public-quota}}
spec:
  targetRef:
    kind: Selector
    selector: {{kind: ApiInstance, labels: {{zone: public}}}}
  policyRef: {{name: rate-limiting-flex}}
  order: 5
  config:
    rateLimits: [{{maximumRequests: 100, timePeriodInMilliseconds: 60000}}]
    exposeHeaders: true
"""
LOCK = """\
apiVersion: gateway.mulesoft.com/v1beta1
kind: PolicyBinding
metadata: {name: lock}
spec:
  targetRef: {name: museum}
  policyRef: {name: http-basic-authentication-flex}
  config: {username: ada, password: $MUSEUM_PASSWORD}
"""
ADA = {"authorization": "Basic " + b64encode(b"ada:sesame").decode()}


class Museum:
    """The folder of a gateway, and the gateway."""

    def __init__(self, folder: Path, port: int, backend: int) -> None:
        self.port = port
        self.conf = folder / "conf.d"
        self.conf.mkdir()
        self.text = MUSEUM.format(port=port, backend=backend)
        self.save("museum.yaml", self.text)
        self.gateway = GatewayProcess(folder, config=self.conf, environment={"MUSEUM_PASSWORD": "sesame"})

    def save(self, name: str, text: str) -> None:
        """Save as careful editors do: beside, then in place."""
        new = self.conf / f".{name}.new"
        new.write_text(text)
        new.rename(self.conf / name)

    def ready(self) -> dict[str, Any]:
        return json.loads(self.gateway.page("/readyz").body)

    def rooms(self, headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = call(self.port, "/museum/rooms/12?x=1", headers)
        return answer.status, json.loads(answer.body).get("path", "")

    def wait_for_refusal(self, path: str) -> dict[str, Any]:
        """Wait until the files are refused for a fault at this place."""

        def refused() -> dict[str, Any] | None:
            shown = self.gateway.revision()
            return shown if shown["state"] == "rejected" and shown["error_path"] == path else None

        return wait_until(refused, seconds=10, what=f"the refusal at {path}; the log says\n{self.gateway.log[-2000:]}")


@pytest.fixture
def museum(tmp_path: Path, port: int, backend: int) -> Iterator[Museum]:
    made = Museum(tmp_path, port, backend)
    yield made
    made.gateway.kill()


def test_a_folder_is_served_edited_broken_and_mended(museum: Museum) -> None:
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    assert museum.rooms() == (200, "/v3/12?x=1")
    assert call(museum.port, "/museum/rooms/12").headers["x-ratelimit-limit"] == "100"
    assert call(museum.port, "/museum/halls").status == 404
    assert museum.ready() == {"status": "ready"}

    museum.save("museum.yaml", museum.text.replace("/v3", "/v4"))
    museum.gateway.wait_for_revision(2)
    assert museum.rooms() == (200, "/v4/12?x=1")

    museum.save("museum.yaml", museum.text.replace("destinationPath: /v3", "destinatonPath: /v5"))
    place = "museum.yaml:21: spec.config.destinatonPath"
    shown = museum.wait_for_refusal(place)
    sentence = f"{place}: There is no setting “destinatonPath”. Did you mean “destinationPath”?"
    assert (shown["revision"], shown["error_code"], shown["message"]) == (2, "unknown_setting", sentence)
    assert museum.rooms() == (200, "/v4/12?x=1")
    assert museum.ready() == {
        "status": "ready",
        "revision": 2,
        "refused": {"code": "unknown_setting", "path": place, "reason": sentence},
    }
    (told,) = museum.gateway.events("configuration_fault")
    assert (told["file"], told["line"], told["key"]) == ("museum.yaml", 21, "spec.config.destinatonPath")

    museum.save("museum.yaml", museum.text.replace("/v3", "/v6"))
    museum.gateway.wait_for_revision(3)
    assert museum.rooms() == (200, "/v6/12?x=1")
    assert museum.ready() == {"status": "ready"}

    museum.gateway.terminate()
    assert museum.gateway.wait() == 0


def test_a_file_more_is_a_policy_more(museum: Museum) -> None:
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    (museum.conf / "policies").mkdir()
    museum.save("lock.yaml", LOCK)
    museum.gateway.wait_for_revision(2)
    assert museum.rooms()[0] == 401
    assert museum.rooms(ADA) == (200, "/v3/12?x=1")
    (museum.conf / "lock.yaml").rename(museum.conf / "policies" / "lock.yaml")
    wait_until(lambda: not museum.gateway.events("configuration_fault"), seconds=1, what="no fault")
    assert museum.rooms()[0] == 401
    (museum.conf / "policies" / "lock.yaml").unlink()
    museum.gateway.wait_for_revision(3)
    assert museum.rooms()[0] == 200
    assert "sesame" not in museum.gateway.log


def test_a_broken_file_at_the_start_is_waited_out(museum: Museum) -> None:
    museum.save("museum.yaml", "kind: [\n" + museum.text)
    museum.gateway.start()
    shown = museum.wait_for_refusal("museum.yaml:3")
    assert (shown["revision"], shown["error_code"]) == (0, "not_yaml")
    ready = museum.gateway.page("/readyz")
    assert ready.status == 503
    assert "museum.yaml:3: This is not valid YAML" in json.loads(ready.body)["reason"]
    museum.save("museum.yaml", museum.text)
    museum.gateway.wait_for_revision(1)
    assert museum.rooms()[0] == 200
    assert museum.gateway.page("/readyz").status == 200


def test_a_folder_that_empties_keeps_what_is_served(museum: Museum) -> None:
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    (museum.conf / "museum.yaml").unlink()
    museum.wait_for_refusal(str(museum.conf))
    assert museum.rooms()[0] == 200


def test_listeners_come_and_go_with_the_files(museum: Museum, backend: int) -> None:
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    other = free_ports(1)[0]
    museum.save("museum.yaml", MUSEUM.format(port=other, backend=backend))
    museum.gateway.wait_for_revision(2)
    assert call(other, "/museum/rooms/1").status == 200
    with pytest.raises(ConnectionRefusedError):
        call(museum.port, "/museum/rooms/1")


def test_a_weighted_route_shares_its_requests(museum: Museum) -> None:
    weighted = museum.text.replace("policyRef: {name: route}", "policyRef: {name: route-weighted}").replace(
        "    destinationPath: /v3\n    destinationRef: {name: exhibits}\n",
        "    routes:\n"
        "      - {weight: 50, destinationPath: /a, destinationRef: {name: exhibits}}\n"
        "      - {weight: 50, destinationPath: /b, destinationRef: {name: exhibits}}\n",
    )
    museum.save("museum.yaml", weighted)
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    found = Counter(museum.rooms()[1].split("/")[1] for _ in range(60))
    assert set(found) == {"a", "b"}
    assert sum(found.values()) == 60


def test_a_service_that_is_too_slow_is_given_up_after_the_time_of_the_file(museum: Museum) -> None:
    settings = "apiVersion: gateway.mulesoft.com/v1beta1\nkind: Configuration\nmetadata: {name: times}\n"
    museum.save("times.yaml", settings + "spec: {timeouts: {upstreamResponseSeconds: 1}}\n")
    museum.save("museum.yaml", museum.text.replace("destinationPath: /v3", "destinationPath: /slow"))
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    assert call(museum.port, "/museum/rooms/6").status == 504


def test_both_commands_show_the_same(museum: Museum) -> None:
    env = {**os.environ, "PORTICO_HOME": str(museum.conf.parent / "home")}
    commands = [[sys.executable, "-m", "gateway_runtime"], [sys.executable, "-m", "portal.cli", "gateway"]]
    shown = [
        subprocess.run(
            [*command, "dump", "--config", str(museum.conf)], cwd=ROOT, env=env, capture_output=True, timeout=60
        )
        for command in commands
    ]
    assert [each.returncode for each in shown] == [0, 0]
    assert shown[0].stdout == shown[1].stdout
    names = [each["metadata"]["name"] for each in json.loads(shown[0].stdout)["apiInstances"][0]["policies"]]
    assert names == ["public-quota", "museum-exhibits", "router"]
    museum.save("museum.yaml", museum.text.replace("kind: Service", "kind: Servic"))
    refused = subprocess.run(
        [*commands[1], "dump", "--config", str(museum.conf)], cwd=ROOT, env=env, capture_output=True, timeout=60
    )
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.decode().startswith(
        "museum.yaml:10: kind: There is no kind “Servic”. Did you mean “Service”?"
    )


def test_a_port_is_served_with_tls_and_its_certificate_is_replaced(museum: Museum) -> None:
    authority = Authority()
    secure = museum.text.replace(f"http://127.0.0.1:{museum.port}/", f"https://127.0.0.1:{museum.port}/")
    trusted = ssl.create_default_context(cadata=authority.pem)

    def shown() -> str:
        with (
            socket.create_connection(("127.0.0.1", museum.port), timeout=5) as plain,
            trusted.wrap_socket(plain, server_hostname="museum.example") as secured,
        ):
            secured.sendall(b"GET /museum/rooms/12 HTTP/1.1\r\nHost: museum.example\r\nConnection: close\r\n\r\n")
            assert secured.recv(15) == b"HTTP/1.1 200 OK"
            certificate = secured.getpeercert()
            assert certificate is not None
            return str(certificate["serialNumber"])

    def save_certificate() -> str:
        pair = authority.issue("museum.example")
        config = json.dumps({"certificate": {"crt": pair.certificate, "key": pair.key}})
        head = LOCK.replace("http-basic-authentication-flex", "tls").partition("  config")[0]
        museum.save("tls.yaml", f"{head}  config: {config}\n")
        return f"{pair.parsed.serial_number:X}"

    first = save_certificate()
    museum.save("museum.yaml", secure)
    museum.gateway.start()
    museum.gateway.wait_for_revision(1)
    assert int(shown(), 16) == int(first, 16)
    second = save_certificate()
    museum.gateway.wait_for_revision(2)
    assert int(shown(), 16) == int(second, 16)
    assert "BEGIN" not in museum.gateway.log
