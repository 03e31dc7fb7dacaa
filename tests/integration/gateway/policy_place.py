"""One gateway with an API for every policy, configured by files as they are documented."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from tests.gateway_runtime.policies.tokens import SECRET, key_set, pem_text, rsa_jwk, rsa_key
from tests.integration.gateway.conftest import GatewayProcess
from tests.stack import free_ports

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
    "repair": """
    - policyRef:
        name: maintenance
      config: {status: 503, retryAfterSeconds: 60, contentType: text/plain, body: back at noon}
      rules:
        - path: /closed/.*
""",
    "key": """
    - policyRef:
        name: credential-injection-api-key-flex
      config: {authType: apiKey, apiKey: $BACKEND_PASSWORD, customHeader: X-Api-Key}
""",
    "jwt-away": """
    - policyRef:
        name: jwt-validation-flex
      config:
        jwtKeyOrigin: jwks
        jwksUrl: http://127.0.0.1:1/keys
""",
}
PASSWORD = "correct-horse-battery"
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
CREDENTIALS = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {name: credentials}
spec:
  targetRef: {kind: Service, name: public-backend}
  policyRef: {name: credential-injection-basic-auth-flex}
  config: {username: portal, password: $BACKEND_PASSWORD}
"""
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


@contextmanager
def policy_place(folder: Path, backend: int) -> Iterator[Place]:
    """Run the gateway and its identity provider."""
    port, provider = free_ports(1)[0], Provider()
    conf = folder / "conf.d"
    conf.mkdir()
    for name, policies in POLICIES.items():
        text = API.format(
            name=name, port=port, backend=backend, policies=policies.replace("{provider}", str(provider.port))
        )
        Path(conf / f"{name}.yaml").write_text(text)
    Path(conf / "credentials.yaml").write_text(CREDENTIALS)
    gateway = GatewayProcess(
        folder, config=conf, workers=1, environment={"TOKEN_SECRET": SECRET, "BACKEND_PASSWORD": PASSWORD}
    )
    gateway.start()
    try:
        gateway.wait_for_revision(1)
        yield Place(gateway, port, provider)
    finally:
        gateway.kill()
        provider.server.shutdown()
        provider.server.server_close()
