"""Flex files on a real gateway: every example that can be written from the documents does what they say."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.certificates import Authority, ec_key, rsa_key
from tests.integration.gateway.conftest import GatewayProcess, call
from tests.integration.gateway.reference import (
    HEAD,
    HEAD_BETA,
    PATHS,
    REFUSED,
    REQUESTS,
    SETTINGS,
    SHOP,
    SPELLINGS,
    STORE,
    Asked,
    path_files,
)
from tests.integration.gateway.upstreams import server_context
from tests.stack import ROOT, free_ports, wait_until

pytestmark = pytest.mark.integration

VARIABLES = {"SHOP_PASSWORD": "sesame", "SHOP_NAME": "$literal"}


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        found = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def ask(port: int, asked: Asked) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return the status, what the service got, and the headers of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(asked.method, asked.path, headers=asked.headers)
        response = connection.getresponse()
        body = json.loads(response.read() or b"{}")
        return response.status, body, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


@dataclass
class Place:
    """A gateway whose configuration is spread over files and folders."""

    gateway: GatewayProcess
    conf: Path
    port: int
    probe: int
    paths: list[int]


@pytest.fixture(scope="module")
def place(echo: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reference")
    conf = folder / "conf.d"
    (conf / "custom" / "policies").mkdir(parents=True)
    port, probe, *paths = free_ports(2 + len(PATHS))
    (conf / "shop.yaml").write_text(SHOP.format(port=port, backend=echo))
    (conf / "custom" / "store.yaml").write_text(STORE.format(port=port, backend=echo))
    (conf / "custom" / "policies" / "settings.yml").write_text(SETTINGS.format(probe=probe))
    (conf / "paths.yaml").write_text(path_files(paths, echo))
    # With one worker, because what is not shared counts in each.
    gateway = GatewayProcess(folder, config=conf, workers=1, environment={**VARIABLES, "FLEX_NAME": "edge-7"}).start()
    try:
        gateway.wait_for_revision(1)
        yield Place(gateway, conf, port, probe, paths)
    finally:
        gateway.kill()


@pytest.mark.parametrize("number", range(len(PATHS)), ids=lambda n: " ".join(map(str, PATHS[n])))
def test_a_row_of_the_table_of_paths(place: Place, number: int) -> None:
    _, _, _, path, sent = PATHS[number]
    status, got, _ = ask(place.paths[number], Asked(path, 0))
    assert (status, got.get("path")) == ((200, sent) if sent else (404, None))


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: f"{asked.method} {asked.path} {asked.status}")
def test_a_request_goes_where_rules_orders_and_labels_say(place: Place, asked: Asked) -> None:
    status, got, answered = ask(place.port, asked)
    assert status == asked.status, got
    assert got.get("path", "") == asked.sent
    assert {name: got["headers"].get(name) for name in asked.got} == asked.got
    assert {name: answered.get(name) for name in asked.answered} == asked.answered


def test_a_weighted_route_goes_both_ways(place: Place) -> None:
    found = Counter(ask(place.port, Asked("/shares/x", 0))[1]["path"] for _ in range(60))
    assert set(found) == {"/a/x", "/b/x"}


def test_probes_and_names(place: Place) -> None:
    query = "?allowEnvoyErrors=true&allowAPIErrors=true&allowPolicyErrors=true"
    assert call(place.probe, f"/probes/readiness{query}").status == 200
    assert call(place.probe, "/probes/liveness").status == 200
    assert place.gateway.revision()["replica"] == "edge-7"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway_runtime", *arguments],
        cwd=ROOT, env=environment | VARIABLES | variables, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_dump_has_the_generated_names_and_the_order(place: Place) -> None:
    found = run("dump", "--config", str(place.conf))
    assert found.returncode == 0, found.stderr
    shown = json.loads(found.stdout)
    apis = {each["metadata"]["name"]: each for each in shown["apiInstances"]}
    assert [(p["metadata"]["name"], p["order"]) for p in apis["shop"]["policies"]] == [
        ("everywhere", 1),
        ("wherever", 2),
        ("shop-first-route-1", 50),
        ("shop-first-route-2", 50),
        ("shop-first-route-3", 50),
        ("shop-second-route-1", 50),
        ("shop-http-basic-authentication-flex-1", 50),
        ("shop-rate-limiting-flex-2", 50),
        ("router", 2_147_483_647),
    ]
    assert [p["metadata"]["name"] for p in apis["store"]["policies"]][:4] == [
        "everywhere",
        "wherever",
        "first",
        "second",
    ]
    services = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in shown["services"]}
    assert {("default", "shop-first"), ("default", "shop-second"), ("east", "goods")} <= services
    assert "sesame" not in found.stdout


@pytest.mark.parametrize(("text", "sentence"), REFUSED.values(), ids=[*REFUSED])
def test_what_the_documents_forbid_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text.format(instance=HEAD + "kind: ApiInstance\nmetadata: {"))
    found = run("dump", "--config", str(file))
    assert (found.returncode, found.stdout) == (1, "")
    assert sentence in found.stderr


@pytest.mark.parametrize("spec", SPELLINGS)
def test_every_spelling_of_the_documents_is_read(tmp_path: Path, spec: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{HEAD_BETA}kind: Configuration\nmetadata: {{name: a}}\nspec: {{{spec}}}\n")
    found = run("dump", "--config", str(file))
    assert (found.returncode, found.stderr) == (0, "")


# Probes from the command line


def test_the_exit_status_of_a_probe_says_whether_it_is_ready(place: Place, tmp_path: Path) -> None:
    admin = ("--admin", f"127.0.0.1:{place.gateway.admin}")
    for check in ("readiness", "liveness"):
        found = run("probe", f"--check={check}", *admin)
        assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    allowed = ("--allow-api-errors", "--allow-envoy-errors", "--allow-policy-errors")
    assert run("probe", "--check=readiness", *allowed, PORTICO_GATEWAY_ADMIN=admin[1]).returncode == 0
    waiting = tmp_path / "empty.yaml"
    waiting.write_text("")
    gateway = GatewayProcess(tmp_path, config=waiting, workers=1).start()
    try:
        gateway.wait_for_revision(1)
        found = run("probe", "--admin", f"127.0.0.1:{gateway.admin}")
        assert (found.returncode, found.stderr) == (1, "No API is deployed on this gateway yet.\n")
        assert run("probe", "--check=liveness", "--admin", f"127.0.0.1:{gateway.admin}").returncode == 0
    finally:
        gateway.kill()
    nobody = run("probe", "--admin", f"127.0.0.1:{gateway.admin}")
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("Nobody answers at 127.0.0.1:")
    assert run("probe", "--admin", "9998").returncode == 2


# Variables


@pytest.mark.parametrize(("variable", "status"), [("FLEX_UPSTREAM_RESPONSE_TIMEOUT_SECONDS", 504), ("X_UNKNOWN", 200)])
def test_a_variable_gives_the_time_for_an_answer(
    tmp_path: Path, port: int, backend: int, variable: str, status: int
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        f"{HEAD}kind: ApiInstance\nmetadata: {{name: a}}\nspec: {{address: 'http://127.0.0.1:{port}', "
        f"services: {{s: {{address: 'http://127.0.0.1:{backend}'}}}}}}\n"
    )
    gateway = GatewayProcess(tmp_path, config=file, workers=1, environment={variable: "1"}).start()
    try:
        gateway.wait_for_revision(1)
        assert call(port, "/slow/2.5").status == status
    finally:
        gateway.kill()


# TLS

AUTHORITY = Authority()
# What is configured, what the caller speaks, whether they get on.
GCM_128, GCM_256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE_RSA_WITH_AES_256_GCM_SHA384"
CBC = "ECDHE_RSA_WITH_AES_128_CBC_SHA"
HANDSHAKES: list[tuple[str, dict[str, str], str]] = [
    ("", {"version": "1.3"}, "TLSv1.3"),
    ("", {"version": "1.2"}, "TLSv1.2"),
    ("", {"version": "1.1"}, ""),
    ("", {"version": "1.2", "ciphers": "ECDHE-RSA-CHACHA20-POLY1305"}, "TLSv1.2"),
    ("", {"version": "1.2", "ciphers": "ECDHE-RSA-AES128-SHA"}, ""),
    ("", {"version": "1.2", "ciphers": "AES128-GCM-SHA256"}, ""),
    ("minversion: '1.3'", {"version": "1.2"}, ""),
    ("minversion: '1.3'", {"version": "1.3"}, "TLSv1.3"),
    ("maxversion: '1.2'", {"version": "1.3"}, ""),
    (f"ciphers: [{GCM_256}]", {"version": "1.2", "ciphers": "ECDHE-RSA-AES256-GCM-SHA384"}, "TLSv1.2"),
    # A list replaces the usual ones of 1.2, and those of 1.3 are always on.
    (f"ciphers: [{GCM_256}]", {"version": "1.2", "ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}, ""),
    (f"ciphers: [{GCM_128}]", {"version": "1.3"}, "TLSv1.3"),
    (f"ciphers: [{CBC}]", {"version": "1.2", "ciphers": "ECDHE-RSA-AES128-SHA"}, "TLSv1.2"),
    # 1.1 needs a list, which replaces the usual ones of 1.2 too.
    (f"minversion: '1.1', ciphers: [{CBC}]", {"version": "1.1", "ciphers": "ALL:@SECLEVEL=0"}, "TLSv1.1"),
    (f"minversion: '1.1', ciphers: [{CBC}]", {"version": "1.2", "ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}, ""),
    ("alpn: [http/1.1]", {"version": "1.3", "alpn": "h2,http/1.1"}, "TLSv1.3 http/1.1"),
    ("", {"version": "1.3", "alpn": "h2,http/1.1"}, "TLSv1.3 h2"),
    (f"requireClientCertificate: true, trustedCA: {json.dumps(AUTHORITY.pem)}", {"version": "1.2"}, ""),
]
VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="module")
def tls_ports(echo: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    folder = tmp_path_factory.mktemp("reference-tls")
    pair = AUTHORITY.issue("localhost", key=rsa_key(2048))
    ports = free_ports(len(HANDSHAKES))
    text = "".join(
        f"{HEAD}kind: ApiInstance\nmetadata: {{name: tls-{port}}}\nspec:\n  address: https://127.0.0.1:{port}\n"
        f"  services: {{s: {{address: 'http://127.0.0.1:{echo}'}}}}\n  policies: [{{policyRef: {{name: tls}}, config: "
        f"{{certificate: {{crt: $CRT, key: $KEY}}{config and ', '}{config}}}}}]\n"
        for port, (config, _, _) in zip(ports, HANDSHAKES, strict=True)
    )
    (folder / "tls.yaml").write_text(text)
    environment = {"CRT": pair.certificate, "KEY": pair.key}
    gateway = GatewayProcess(folder, config=folder / "tls.yaml", workers=1, environment=environment).start()
    try:
        gateway.wait_for_revision(1)
        yield ports
    finally:
        gateway.kill()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("number", range(len(HANDSHAKES)), ids=lambda n: f"{HANDSHAKES[n][0][:40]} {HANDSHAKES[n][1]}")
def test_versions_suites_and_protocols_are_those_of_the_documents(tls_ports: list[int], number: int) -> None:
    _, caller, expected = HANDSHAKES[number]
    context = ssl.create_default_context(cadata=AUTHORITY.pem)
    context.set_ciphers(caller.get("ciphers", "DEFAULT"))
    context.minimum_version = context.maximum_version = VERSIONS[caller["version"]]
    if "alpn" in caller:
        context.set_alpn_protocols(caller["alpn"].split(","))
    found = ""
    with socket.create_connection(("127.0.0.1", tls_ports[number]), timeout=5) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                found = " ".join(filter(None, (secured.version(), secured.selected_alpn_protocol())))
        except (ssl.SSLError, ConnectionError):
            pass
    assert found == expected


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        (AUTHORITY.issue("localhost", key=rsa_key(1024)), "The RSA key has 1024 bits. Use a key of 2048 bits or more."),
        (AUTHORITY.issue("localhost", key=rsa_key(2048)), ""),
        (AUTHORITY.issue("localhost", key=ec_key()), ""),
    ],
    ids=["RSA 1024", "RSA 2048", "EC"],
)
def test_small_keys_are_refused(tmp_path: Path, pair: Any, sentence: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        f"{HEAD}kind: ApiInstance\nmetadata: {{name: a}}\nspec: {{address: 'https://0.0.0.0:8443', policies: "
        "[{policyRef: {name: tls}, config: {certificate: {crt: $CRT, key: $KEY}}}]}\n"
    )
    found = run("dump", "--config", str(file), CRT=pair.certificate, KEY=pair.key)
    assert found.returncode == (1 if sentence else 0)
    assert sentence in found.stderr


# The certificate of a service, what is bound to it, what a request gets.
SERVICES: list[tuple[tuple[str, ...], str, int]] = [
    (("localhost",), "{trustedCA: $CA, skipValidation: false}", 200),
    # The common name does not count.
    ((), "{trustedCA: $CA, skipValidation: false}", 502),
    (("other.example",), "{trustedCA: $CA, skipValidation: false}", 502),
    (("localhost",), "{trustedCA: $OTHER, skipValidation: false}", 502),
    ((), "{skipValidation: true}", 200),
    # Nothing is bound, and nobody the machine trusts has signed it.
    (("localhost",), "", 502),
]


@pytest.mark.parametrize(("names", "config", "status"), SERVICES)
def test_the_certificate_of_a_service_counts_by_its_alternative_names(
    tmp_path: Path, port: int, names: tuple[str, ...], config: str, status: int
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    server.socket = server_context(AUTHORITY.issue(*names, common_name="localhost")).wrap_socket(
        server.socket, server_side=True
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bound = (
        f"{HEAD}kind: PolicyBinding\nmetadata: {{name: b}}\nspec: {{targetRef: {{kind: Service, name: a-s}}, "
        f"policyRef: {{name: tls-outbound}}, config: {config}}}\n"
    )
    file = tmp_path / "a.yaml"
    file.write_text(
        f"{HEAD}kind: ApiInstance\nmetadata: {{name: a}}\nspec: {{address: 'http://127.0.0.1:{port}', services: "
        f"{{s: {{address: 'https://localhost:{server.server_address[1]}'}}}}}}\n" + (bound if config else "")
    )
    environment = {"CA": AUTHORITY.pem, "OTHER": Authority("Other").pem}
    gateway = GatewayProcess(tmp_path, config=file, workers=1, environment=environment).start()
    try:
        gateway.wait_for_revision(1)
        found = call(port, "/x")
        assert found.status == status, found.body
        assert status == 200 or b"upstream_tls_failed" in found.body
    finally:
        gateway.kill()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_change_of_any_of_the_files_is_served(place: Place, echo: int) -> None:
    before = ask(place.port, Asked("/shares/x", 0))[0]
    assert before == 200
    shop = place.conf / "shop.yaml"
    shop.write_text(shop.read_text().replace("destinationPath: /last", "destinationPath: /changed"))
    wait_until(
        lambda: ask(place.port, Asked("/shop/x", 0))[1].get("path") == "/changed/x", seconds=10, what="the change"
    )
