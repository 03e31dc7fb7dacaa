"""An OpenID provider as a policy sees it: where its endpoints are, and three ways to ask it about a token."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.url import Url, parse_url
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.policies.jwt_key_sets import KeySets
from gateway_runtime.policies.jwt_keys import read_key_set, strict_json
from gateway_runtime.policies.jwt_token import (
    Token,
    Unacceptable,
    UnknownKey,
    Verifier,
    check_audience,
    lifetime,
    read_token,
)
from gateway_runtime.policies.oauth2_token_introspection import introspecting
from gateway_runtime.policies.openid_settings import DISCOVERY, CheckedBy, Config
from gateway_runtime.policies.token_answers import Known, TokenRefused
from gateway_runtime.policies.token_enforcement import known_token

# Where discovery says it (OpenID Connect Discovery 1.0, RFC 8414).
_ENDPOINTS = {
    CheckedBy.SIGNATURE: "jwks_uri",
    CheckedBy.INTROSPECTION: "introspection_endpoint",
    CheckedBy.USERINFO: "userinfo_endpoint",
}
RENEW_SECONDS = 3600.0
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384")
# What the header of an access token calls it, if anything (RFC 9068); not those of logout, proofs and events.
ACCESS_TOKEN = "at+jwt"  # noqa: S105 — a media type
TYPES = frozenset({"", "jwt", ACCESS_TOKEN})
# One of these a token has to say that is not called an access token: an ID token has none of them.
_OF_ACCESS_TOKENS = ("scope", "scp", "client_id", "appid")
# What only ID tokens say (OpenID Connect Core 1.0 section 3.3.2.11).
_OF_ID_TOKENS = ("at_hash", "c_hash")


def read_discovery(data: bytes) -> dict[str, str]:
    """Return the texts of a provider's metadata. Raises `ValueError`."""
    document = strict_json(data)
    if not isinstance(document, dict) or not isinstance(document.get("issuer"), str):
        raise ValueError("no metadata of a provider")
    return {name: value for name, value in document.items() if isinstance(value, str)}


class Endpoint:
    """The endpoint that tokens are checked with: the one that is named, or the one that discovery tells."""

    __slots__ = ("_discovered", "_issuer", "_key", "_last", "_named")

    def __init__(self, config: Config, runtime: PolicyRuntime) -> None:
        named = config.endpoint()
        self._named = parse_url(named) if named else None
        self._issuer = config.issuer
        self._key = _ENDPOINTS[config.checked_by]
        self._last: tuple[Any, Url] | None = None
        address = config.issuer.rstrip("/") + DISCOVERY
        seconds = config.authentication_timeout / 1000
        self._discovered = (
            None if named else runtime.remote(address, read_discovery, ttl=RENEW_SECONDS, seconds=seconds)
        )

    def current(self) -> Url | None:
        """Return where it is if that is known without waiting, else None."""
        document = self._discovered.current() if self._discovered is not None else None
        try:
            return self._named if document is None else self._read(document)
        except TokenRefused:
            return None

    async def url(self) -> Url:
        """Return where it is. Raises `FetchError` while that is unknown, and `TokenRefused` for an answer of no use."""
        if self._discovered is None:
            assert self._named is not None
            return self._named
        document = await self._discovered.latest()
        if document is None:
            raise FetchError("no_discovery")
        if self._last is None or self._last[0] is not document:
            self._last = document, self._read(document)
        return self._last[1]

    def _read(self, document: dict[str, str]) -> Url:
        # Another issuer's tokens would pass for this one's (RFC 8414 section 3.3).
        if document["issuer"] != self._issuer:
            raise TokenRefused("bad_answer")
        try:
            url = parse_url(document.get(self._key, ""))
        except ValueError:
            raise TokenRefused("bad_answer") from None
        if url.scheme != "https" and self._issuer.startswith("https:"):
            raise TokenRefused("bad_answer")
        return url


class SignatureCheck:
    """Checks tokens with the provider's keys. Asks only for keys, never about a token."""

    def __init__(self, config: Config, runtime: PolicyRuntime) -> None:
        self._config = config
        self._runtime = runtime
        self._endpoint = Endpoint(config, runtime)
        self._audiences = config.accepted_audiences()
        self._verifier = Verifier(ALGORITHMS)
        # A new revision goes on with the keys, and with what was verified with them.
        self._kept: dict[Url, KeySets] = runtime.keep("key sets", dict)
        address = self._endpoint.current()
        self._keys: KeySets | None = None if address is None else self._kept.get(address)

    def current(self) -> Any:
        """Return the keys that known tokens must have been verified with, None where they have to be waited for."""
        return None if self._keys is None else self._keys.current()

    async def known(self, text: bytes) -> Known:
        """Verify a token. Raises `TokenRefused` or `FetchError`."""
        try:
            token = read_token(text, ALGORITHMS)
        except Unacceptable:
            raise TokenRefused("invalid") from None
        sets = await self._key_sets()
        keys = await sets.latest()
        if keys is None:
            raise FetchError("no_keys")
        try:
            try:
                self._verifier.verify(token, keys)
            except UnknownKey:
                keys = await sets.newer() if sets.may_ask_again() else None
                self._verifier.verify(token, keys or ())
            self._check(token)
        except Unacceptable:
            raise TokenRefused("invalid") from None
        return _known(self._config, self._runtime, token.claims, basis=keys)

    def _check(self, token: Token) -> None:
        claims = token.claims
        if token.type not in TYPES or claims.get("iss") != self._config.issuer:
            raise Unacceptable("invalid")
        if any(name in claims for name in _OF_ID_TOKENS):
            raise Unacceptable("invalid")
        if token.type != ACCESS_TOKEN and not any(name in claims for name in _OF_ACCESS_TOKENS):
            raise Unacceptable("invalid")
        lifetime(claims, exp_needed=True, nbf_needed=False)
        if self._audiences:
            check_audience(claims, self._audiences, needed=True)

    async def _key_sets(self) -> KeySets:
        url = await self._endpoint.url()
        sets = self._kept.get(url)
        if sets is None:
            address = f"{url.scheme}://{url.authority}{url.target}"
            seconds = self._config.authentication_timeout / 1000
            remote = self._runtime.remote(address, read_key_set, ttl=RENEW_SECONDS, seconds=seconds)
            self._kept.clear()
            sets = self._kept[url] = KeySets([remote], ALGORITHMS)
        self._keys = sets
        return sets


def asking(config: Config, runtime: PolicyRuntime) -> Callable[[bytes], Any]:
    """Return what asks the provider about a token: by introspection, or for the user's claims."""
    endpoint = Endpoint(config, runtime)
    seconds = config.authentication_timeout / 1000
    if config.checked_by is CheckedBy.INTROSPECTION:
        # RFC 6749 section 2.3.1: both parts are encoded as in a form first.
        pair = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret)}"
        introspect = introspecting(runtime, "Basic " + b64encode(pair.encode()).decode(), seconds)

        async def introspected(token: bytes) -> Known:
            claims = await introspect(await endpoint.url(), token)
            if config.issuer and claims.get("iss", config.issuer) != config.issuer:
                raise TokenRefused("invalid")
            return _known(config, runtime, claims)

        return introspected

    async def user_of(token: bytes) -> Known:
        headers = (("authorization", f"Bearer {token.decode()}"), ("accept", "application/json"))
        answer = await runtime.ask(await endpoint.url(), seconds=seconds, headers=headers)
        if answer.status in (400, 401, 403):
            raise TokenRefused("invalid")
        if answer.status == 429 or answer.status >= 500:
            raise FetchError(f"status_{answer.status}")
        try:
            claims = strict_json(answer.body) if answer.status == 200 else None
        except ValueError:
            claims = None
        if not isinstance(claims, dict) or not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise TokenRefused("bad_answer")
        return _known(config, runtime, claims)

    return user_of


def _known(config: Config, runtime: PolicyRuntime, claims: dict[str, Any], basis: Any = None) -> Known:
    longest = config.max_federation_expiration_time
    # Without an end of its own and without one that is set, a token is good for this request alone.
    seconds = float(longest) if longest >= 0 else (float("inf") if "exp" in claims else 0.0)
    client = claims["client_id"] if "client_id" in claims else claims.get("azp")
    return known_token(claims, now=runtime.now(), seconds=seconds, client=client, basis=basis)
