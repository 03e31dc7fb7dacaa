"""One gateway with an API for every policy that takes or fetches tokens, configured by files as they are documented."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

from tests.integration.gateway.conftest import GatewayProcess
from tests.integration.gateway.token_service import TokenService
from tests.integration.token_provider import GATEWAY, TokenProvider
from tests.stack import free_ports

POLICIES = {
    "introspected": """
    - policyRef: {name: oauth2-token-introspection-flex}
      config:
        introspectionURL: {issuer}/token/introspection
        authorizationValue: $GATEWAY_AUTHORIZATION
        validatedTokenTTL: 2
        authenticationTimeout: 5000
        skipClientIdValidation: true
        consumerBy: client_id
        exposeHeaders: true
        scopes: orders:read
        scopeValidationCriteria: AND
        maxCacheEntries: 1000
        requireTokenType: true
""",
    "introspected-long": """
    - policyRef: {name: oauth2-token-introspection}
      config:
        introspectionURL: {issuer}/token/introspection
        authorizationValue: $GATEWAY_AUTHORIZATION
        skipClientIdValidation: true
        scopes: orders:read orders:write
        scopeValidationCriteria: OR
""",
    "stranger": """
    - policyRef: {name: oauth2-token-introspection}
      config:
        introspectionURL: {issuer}/token/introspection
        authorizationValue: Basic bm9ib2R5Om5vdGhpbmc=
        skipClientIdValidation: true
""",
    "signed": """
    - policyRef: {name: openidconnect-access-token-enforcement-flex}
      config:
        issuer: {issuer}
        authenticationTimeout: 5000
        scopes: orders:read
        exposeHeaders: true
        audiences: https://api.example
""",
    "signed-for-all": """
    - policyRef: {name: openidconnect-access-token-enforcement}
      config: {issuer: "{issuer}", maxFederationExpirationTime: 600, secureTrustStore: true}
""",
    "asked": """
    - policyRef: {name: openidconnect-access-token-enforcement}
      config:
        issuer: {issuer}
        checkedBy: introspection
        clientId: $GATEWAY_ID
        clientSecret: $GATEWAY_SECRET
        scopes: orders:read
""",
    "user": """
    - policyRef: {name: openidconnect-access-token-enforcement}
      config: {issuer: "{issuer}", checkedBy: userinfo, exposeHeaders: true}
""",
    "tried": """
    - policyRef: {name: openidconnect-access-token-enforcement}
      mode: shadow
      config: {issuer: "{issuer}"}
""",
    "injected": """
    - policyRef: {name: credential-injection-oauth2-flex}
      config:
        oauthService: {issuer}/token
        clientId: $GATEWAY_ID
        clientSecret: $GATEWAY_SECRET
        scope: [orders:read]
        grantType: clientCredentials
        credentialLocation: header
        tokenFetchTimeout: 5
""",
    "kept": """
    - policyRef: {name: credential-injection-oauth2}
      config:
        oauthService: {issuer}/token
        clientId: $GATEWAY_ID
        clientSecret: $GATEWAY_SECRET
        credentialLocation: header
        overwrite: false
""",
    "refused": """
    - policyRef: {name: credential-injection-oauth2}
      config: {oauthService: "{issuer}/token", clientId: nobody, clientSecret: nothing}
""",
    "relaxed": """
    - policyRef: {name: credential-injection-oauth2}
      config:
        oauthService: {issuer}/token
        clientId: nobody
        clientSecret: nothing
        allowRequestWithoutCredential: true
""",
    "on-service": "",
}
FILE = """\
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata:
  name: {name}
spec:
  address: http://127.0.0.1:{port}/{name}
  services:
    backend:
      address: http://127.0.0.1:{backend}
      routes: [{}]
  policies:{policies}
"""
ON_SERVICE = """\
---
apiVersion: gateway.mulesoft.com/v1alpha1
kind: PolicyBinding
metadata: {name: backend-token}
spec:
  targetRef: {kind: Service, name: on-service-backend}
  policyRef: {name: credential-injection-oauth2-flex}
  config:
    oauthService: {issuer}/token
    clientId: $GATEWAY_ID
    clientSecret: $GATEWAY_SECRET
    credentialLocation: header
"""


class Reply(NamedTuple):
    """An answer. `seen` are the headers that the service saw, None if it saw nothing."""

    status: int
    code: str
    headers: dict[str, str]
    seen: dict[str, str] | None


class Place(NamedTuple):
    """A gateway with the APIs above, a provider, and a service that takes its tokens."""

    gateway: GatewayProcess
    port: int
    provider: TokenProvider
    service: TokenService
    folder: Path

    def call(
        self, name: str, bearer: str | None = None, headers: dict[str, str] | None = None, method: str = "GET"
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = ({} if bearer is None else {"authorization": f"Bearer {bearer}"}) | (headers or {})
        try:
            connection.request(method, f"/{name}/a", headers=sent)
            response = connection.getresponse()
            found = json.loads(response.read() or b"{}")
            return Reply(
                response.status, found.get("code", ""), {k.lower(): v for k, v in response.getheaders()},
                found.get("headers"),
            )  # fmt: skip
        finally:
            connection.close()

    def verdict(self, name: str, bearer: str | None) -> tuple[int, str]:
        reply = self.call(name, bearer)
        assert (reply.seen is None) is (reply.status != 200)
        return reply.status, reply.code


@contextmanager
def token_place(folder: Path) -> Iterator[Place]:
    """Run the gateway, the provider and the service."""
    provider = TokenProvider()
    service = TokenService(provider)
    port = free_ports(1)[0]
    conf = folder / "conf.d"
    conf.mkdir()
    for name, policies in POLICIES.items():
        text = FILE.replace("{name}", name).replace("{port}", str(port)).replace("{backend}", str(service.port))
        text = text.replace("{policies}", policies or " []")
        (conf / f"{name}.yaml").write_text(text.replace("{issuer}", provider.issuer))
    (conf / "on-service-policy.yaml").write_text(ON_SERVICE.replace("{issuer}", provider.issuer))
    pair = f"{quote_plus(GATEWAY[0])}:{quote_plus(GATEWAY[1])}"
    environment = {
        "GATEWAY_ID": GATEWAY[0],
        "GATEWAY_SECRET": GATEWAY[1],
        "GATEWAY_AUTHORIZATION": "Basic " + b64encode(pair.encode()).decode(),
    }
    gateway = GatewayProcess(folder, config=conf, workers=1, environment=environment)
    try:
        provider.start()
        gateway.start()
        gateway.wait_for_revision(1)
        yield Place(gateway, port, provider, service, conf)
    finally:
        gateway.kill()
        provider.stop()
        service.close()
