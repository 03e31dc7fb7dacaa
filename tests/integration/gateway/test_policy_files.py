"""Policies from declarative files, written as they are documented: what callers get and what the service sees."""

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

from tests.gateway_runtime.policies.tokens import SECRET, key_set, pem_text, rsa_jwk, rsa_key, token
from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports, wait_until

pytestmark = pytest.mark.integration

# One API each, at the path of its name. The indentation is that of `policies` in an ApiInstance.
POLICIES = {
    "removal": """
    - policyRef:
        name: header-removal-flex
      config:
        inboundHeaders: [x-debug, "X-Trace-.*", host, content-type]
        outboundHeaders: [server, "x-.*", content-type]
""",
    "allowed": """
    - policyRef:
        name: ip-allowlist-flex
      config:
        ips: ["127.0"]
        ipExpression: "#[attributes.headers['x-forwarded-for']]"
""",
    "not-allowed": """
    - policyRef:
        name: ip-allowlist-flex
      config:
        ips: [192.168.3.1/30, 2001:db8::1]
""",
    "blocked": """
    - policyRef:
        name: ip-blocklist-flex
      config:
        ips: [127.0.0.1]
""",
    "public": """
    - policyRef:
        name: cors-flex
      config:
        publicResource: true
""",
    "cors": """
    - policyRef:
        name: http-basic-authentication-flex
      config: {username: ada, password: sesame}
    - policyRef:
        name: cors-flex
      config:
        publicResource: false
        supportCredentials: true
        originGroups:
          - origins: ["http://www.the-origin.example"]
            accessControlMaxAge: 60
            headers: [x-allow-origin]
            exposedHeaders: [x-forwarded-for]
            allowedMethods:
              - methodName: POST
                isAllowed: true
""",
    "spike": """
    - policyRef:
        name: spike-control-flex
      config:
        maximumRequests: 2
        timePeriodInMilliseconds: 600000
        exposeHeaders: true
""",
    "queue": """
    - policyRef:
        name: spike-control-flex
      config:
        maximumRequests: 1
        timePeriodInMilliseconds: 700
        delayTimeInMillis: 800
        delayAttempts: 1
        queuingLimit: 1
""",
    "jwt-text": f"""
    - policyRef:
        name: jwt-validation-flex
      config:
        jwtOrigin: customExpression
        jwtExpression: "#[attributes.headers['jwt']]"
        signingMethod: rsa
        signingKeyLength: 256
        jwtKeyOrigin: text
        textKey: "{pem_text(rsa_key()).replace(chr(10), "")}"
        skipClientIdValidation: true
        validateAudClaim: true
        mandatoryAudClaim: true
        supportedAudiences: "aud.example, other.example"
        mandatoryExpClaim: true
        mandatoryNbfClaim: false
        validateCustomClaim: true
        mandatoryCustomClaims:
          - key: iss
            value: https://login.example
""",
    "jwt-hmac": """
    - policyRef:
        name: jwt-validation-flex
      config:
        signingMethod: hmac
        textKey: $TOKEN_SECRET
""",
    "jwt-keys": """
    - policyRef:
        name: jwt-validation-flex
      config:
        signingMethod: rsa
        jwtKeyOrigin: jwks
        jwksUrl: http://127.0.0.1:{provider}/keys
        jwksServiceTimeToLive: 60
        jwksServiceConnectionTimeout: 2000
""",
    "jwt-away": """
    - policyRef:
        name: jwt-validation-flex
      config:
        jwtKeyOrigin: jwks
        jwksUrl: http://127.0.0.1:1/keys
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
            - methods: GET|HEAD
  policies:{policies}"""
UNTIL = 4_000_000_000


class Provider:
    """An identity provider that publishes `keys` and counts how often it was asked."""

    def __init__(self) -> None:
        self.keys = key_set(rsa_jwk(rsa_key("a"), kid="a"))
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(provider.keys)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Reply(NamedTuple):
    """An answer. `seen` are the headers that the service saw, None if it saw nothing; `code` is that of a refusal."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def seen(self) -> dict[str, str] | None:
        found = json.loads(self.body or b"{}")
        return found.get("headers") if "code" not in found else None

    @property
    def code(self) -> str:
        return json.loads(self.body or b"{}").get("code", "")


class Place(NamedTuple):
    """A gateway with every API above, one worker, and its identity provider."""

    gateway: GatewayProcess
    port: int
    provider: Provider

    def call(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def bearer(self, path: str, text: str) -> tuple[int, str]:
        reply = self.call(path, {"authorization": f"Bearer {text}"})
        return reply.status, reply.code


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, backend: int) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("policies")
    port, provider = free_ports(1)[0], Provider()
    conf = folder / "conf.d"
    conf.mkdir()
    for name, policies in POLICIES.items():
        text = API.format(
            name=name, port=port, backend=backend, policies=policies.replace("{provider}", str(provider.port))
        )
        Path(conf / f"{name}.yaml").write_text(text)
    gateway = GatewayProcess(folder, config=conf, workers=1, environment={"TOKEN_SECRET": SECRET})
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        yield Place(gateway, port, provider)
    finally:
        gateway.kill()
        provider.server.shutdown()
        provider.server.server_close()


def test_headers_are_removed_in_both_directions_but_not_the_protected_ones(place: Place) -> None:
    sent = {"x-debug": "1", "x-trace-id": "2", "x-kept": "3", "content-type": "text/plain"}
    reply = place.call("/removal/a", sent)
    assert reply.status == 200
    assert reply.seen is not None
    assert "x-debug" not in reply.seen
    assert "x-trace-id" not in reply.seen
    assert reply.seen["x-kept"] == "3"
    assert reply.seen["content-type"] == "text/plain"
    assert reply.seen["host"].startswith("127.0.0.1:")
    assert "server" not in reply.headers
    assert reply.headers["content-type"] == "application/json"
    assert "x-request-id" in reply.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/allowed", 200, ""), ("/not-allowed", 403, "ip_not_allowed"), ("/blocked", 403, "ip_blocked")],
)
@pytest.mark.parametrize("claimed", [None, "192.168.3.1", "8.8.8.8"])
def test_the_address_of_the_connection_counts_whatever_a_caller_claims(
    place: Place, path: str, status: int, code: str, claimed: str | None
) -> None:
    reply = place.call(path, {"x-forwarded-for": claimed} if claimed else None)
    assert (reply.status, reply.code) == (status, code)
    assert (reply.seen is None) is (status == 403)


ORIGIN = "http://www.the-origin.example"


def cors_headers(reply: Reply) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value for name, value in reply.headers.items() if "access-control" in name
    }


def test_a_preflight_is_answered_before_authentication_and_without_a_route(place: Place) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "POST"}
    reply = place.call("/cors/a", asked, "OPTIONS")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, b"", "0")
    assert cors_headers(reply) == {
        "allow-origin": ORIGIN,
        "allow-credentials": "true",
        "allow-methods": "POST",
        "allow-headers": "x-allow-origin",
        "max-age": "60",
    }
    assert cors_headers(place.call("/cors/a", {**asked, "origin": "http://evil.example"}, "OPTIONS")) == {}
    assert cors_headers(place.call("/cors/a", method="OPTIONS")) == {}


def test_the_answer_to_a_page_carries_its_headers_also_when_it_is_refused(place: Place) -> None:
    refused = place.call("/cors/a", {"origin": ORIGIN})
    assert (refused.status, refused.code) == (401, "basic_credentials_missing")
    expected = {"allow-origin": ORIGIN, "allow-credentials": "true", "expose-headers": "x-forwarded-for"}
    assert cors_headers(refused) == expected
    ada = {"authorization": "Basic YWRhOnNlc2FtZQ=="}
    passed = place.call("/cors/a", {"origin": ORIGIN, **ada})
    assert (passed.status, cors_headers(passed), passed.headers["vary"]) == (200, expected, "Origin")
    assert cors_headers(place.call("/cors/a", {"origin": "http://evil.example", **ada})) == {}
    assert cors_headers(place.call("/cors/a", ada)) == {}


def test_a_public_resource_takes_every_page(place: Place) -> None:
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT", "access-control-request-headers": "x-a"}
    assert cors_headers(place.call("/public", asked, "OPTIONS")) == {
        "allow-origin": "*",
        "allow-methods": "PUT",
        "allow-headers": "x-a",
        "max-age": "30",
    }
    assert cors_headers(place.call("/public", {"origin": ORIGIN})) == {"allow-origin": "*"}


def test_a_spike_is_refused_and_told_what_is_left(place: Place) -> None:
    replies = [place.call("/spike") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["1", "0", "0"]
    assert {reply.headers["x-ratelimit-limit"] for reply in replies} == {"2"}
    resets = [int(reply.headers["x-ratelimit-reset"]) for reply in replies]
    assert resets[0] == 0
    assert 590_000 < resets[2] <= resets[1] <= 600_000
    assert 590 < int(replies[2].headers["retry-after"]) <= 600
    assert replies[2].code == "spike_control_exceeded"


def test_a_spike_waits_in_a_queue_that_has_an_end(place: Place) -> None:
    assert place.call("/queue").status == 200
    with ThreadPoolExecutor(3) as pool:
        began = time.monotonic()
        waiting = [pool.submit(lambda: (place.call("/queue").status, time.monotonic() - began)) for _ in range(3)]
        found = sorted(each.result() for each in waiting)
    assert [status for status, _ in found] == [200, 429, 429]
    assert found[0][1] >= 0.8
    assert found[1][1] < 0.7


GOOD = {"iss": "https://login.example", "aud": ["x", "aud.example"], "exp": UNTIL, "sub": "ada"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, (400, "jwt_missing")),
        ("x.y", (401, "jwt_malformed")),
        (token(GOOD, rsa_key(), "RS256"), (200, "")),
        (token(GOOD, rsa_key(), "RS384"), (401, "jwt_algorithm")),
        (token(GOOD, rsa_key("evil"), "RS256"), (401, "jwt_signature")),
        (token(GOOD, pem_text(rsa_key()), "HS256"), (401, "jwt_algorithm")),
        (token({**GOOD, "exp": 1}, rsa_key(), "RS256"), (401, "jwt_expired")),
        (token({**GOOD, "nbf": UNTIL - 1}, rsa_key(), "RS256"), (401, "jwt_not_yet_valid")),
        (token({**GOOD, "aud": "AUD.example"}, rsa_key(), "RS256"), (401, "jwt_audience")),
        (token({**GOOD, "iss": "https://login.example/"}, rsa_key(), "RS256"), (401, "jwt_claim")),
        (token({k: v for k, v in GOOD.items() if k != "exp"}, rsa_key(), "RS256"), (401, "jwt_claim")),
        (token({k: v for k, v in GOOD.items() if k != "aud"}, rsa_key(), "RS256"), (401, "jwt_audience")),
    ],
)
def test_a_token_is_checked_by_every_setting(place: Place, text: str | None, expected: tuple[int, str]) -> None:
    for _ in range(2):
        reply = place.call("/jwt-text/a", {"jwt": text} if text else None)
        assert (reply.status, reply.code) == expected
        assert (reply.seen is None) is (expected[0] != 200)
        if reply.seen:
            assert reply.seen["jwt"] == text


def test_keys_of_a_provider_are_fetched_once_and_rotate(place: Place) -> None:
    old, new = token({}, rsa_key("a"), "RS256", kid="a"), token({}, rsa_key("b"), "RS256", kid="b")
    with ThreadPoolExecutor(8) as pool:
        found = [each.result() for each in [pool.submit(place.bearer, "/jwt-keys", old) for _ in range(8)]]
    assert found == [(200, "")] * 8
    assert place.provider.asked == 1
    assert place.bearer("/jwt-keys", new) == (401, "jwt_key_unknown")
    assert place.provider.asked == 1
    place.provider.keys = key_set(rsa_jwk(rsa_key("b"), kid="b"))
    wait_until(lambda: place.bearer("/jwt-keys", new) == (200, ""), seconds=15, what="the new key")
    assert place.provider.asked == 2
    assert place.bearer("/jwt-keys", old) == (401, "jwt_key_unknown")


def test_without_keys_nobody_passes_and_the_log_says_why(place: Place) -> None:
    text = token({}, rsa_key("a"), "RS256", kid="a")
    reply = place.call("/jwt-away", {"authorization": f"Bearer {text}"})
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "jwt_keys_unavailable", "5")
    (told, *_) = place.gateway.events("fetch_failed")
    assert (told["host"], told["code"]) == ("127.0.0.1:1", "refused")


def test_no_secret_and_no_token_is_in_the_log(place: Place) -> None:
    text = token({"sub": "ada"})
    assert place.bearer("/jwt-hmac", text) == (200, "")
    assert place.bearer("/jwt-hmac", text[:-2])[0] == 401
    assert SECRET not in place.gateway.log
    assert text.rpartition(".")[2] not in place.gateway.log
    assert "sesame" not in place.gateway.log
