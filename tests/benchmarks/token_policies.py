"""What policies that take or fetch tokens cost a request whose token is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from gateway_runtime.fetching.client import Fetched
from gateway_runtime.fetching.remote import Remotes
from gateway_runtime.fetching.url import Url
from gateway_runtime.testing import FakeClock, policy_case, request
from gateway_runtime.upstream.asking import Answered
from gateway_runtime.upstream.connecting import Surroundings
from tests.gateway_runtime.policies.tokens import key_set, rsa_jwk, rsa_key, token

NO_GOAL = float("inf")


def token_cases(headers: dict[str, str]) -> Iterator[tuple[str, float, Callable[[], Any]]]:
    """Yield what is measured, its goal in microseconds, and the call. `headers` are those of a usual request."""
    asked = _token("oauth2-token-introspection", headers, scopes="orders:read")
    yield "token introspection, asked before", 3.0, asked
    exposed = _token("oauth2-token-introspection", headers, exposeHeaders=True)
    yield "token introspection, fields exposed", NO_GOAL, exposed
    yield "OpenID Connect token, verified before", 3.0, _token("openidconnect-access-token-enforcement", headers)
    yield "credential injection with OAuth 2.0", 1.0, _token("credential-injection-oauth2", headers)


class _Provider:
    """Answers like an authorization server that knows every token, and like an OpenID provider."""

    async def fetch(self, url: Url, surroundings: Surroundings, **more: Any) -> Fetched:
        if url.target == "/jwks":
            return Fetched(200, {}, key_set(rsa_jwk(rsa_key(), kid="a")))
        return Fetched(200, {}, b'{"issuer":"https://login.example","jwks_uri":"https://login.example/jwks"}')

    def at(self, url: Url) -> _Provider:
        return self

    async def ask(self, *question: Any, **more: Any) -> Answered:
        answer = (
            b'{"active":true,"sub":"ada","client_id":"shop","iss":"https://login.example","scope":"orders:read",'
            b'"access_token":"t","token_type":"Bearer","expires_in":9999}'
        )
        return Answered(200, [], answer, [])


def _token(name: str, usual: dict[str, str], **settings: Any) -> Callable[[], Any]:
    """Return a request with a token that has been seen before."""
    known = {
        "oauth2-token-introspection": {
            "introspectionURL": "https://login.example/introspect", "authorizationValue": "Basic x",
            "skipClientIdValidation": True,
        },
        "openidconnect-access-token-enforcement": {"issuer": "https://login.example", "scopes": "orders:read"},
        "credential-injection-oauth2": {
            "oauthService": "https://login.example/token", "clientId": "a", "clientSecret": "b",
        },
    }  # fmt: skip
    clock = FakeClock()
    provider: Any = _Provider()
    remotes = Remotes(None, clock, provider.fetch)
    case = policy_case(name, known[name] | settings, clock=clock, remotes=remotes, services=provider)
    handler = case.handlers.request_headers
    assert handler is not None
    claims = {"sub": "ada", "iss": "https://login.example", "exp": 9_999, "scope": "orders:read", "client_id": "shop"}
    bearer = "Bearer " + token(claims, rsa_key(), "RS256", kid="a")
    headers = {**usual, "authorization": bearer}
    assert asyncio.run(case.ask(request(headers=headers))) is None
    context = request(headers=headers)
    kept = context.headers

    def call() -> Any:
        context.headers = kept.copy()
        context.notes = None
        return handler(context)

    assert call() is None
    return call
