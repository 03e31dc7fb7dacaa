"""What JWT validation does with a request: find the token, find it among the verified ones, or verify it."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, NamedTuple

from gateway_runtime.expressions import given as notes
from gateway_runtime.expressions.given import AUTHENTICATION, Given
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.jwt_key_sets import Keys, KeySets
from gateway_runtime.policies.jwt_keys import read_key_set
from gateway_runtime.policies.jwt_settings import CLAIM, CLIENT_ID, TOKEN, Config, KeyOrigin, Origin
from gateway_runtime.policies.jwt_token import (
    Unacceptable,
    UnknownKey,
    Verifier,
    check_audience,
    check_claim,
    lifetime,
    read_token,
)
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.selectors import selected_claim, selected_header
from gateway_runtime.policies.token_answers import read_bearer
from gateway_runtime.schema.policy import Handlers

REMEMBERED = 5000
CHALLENGE = ((b"www-authenticate", b'Bearer realm="portico", error="invalid_token"'),)
CHALLENGE_ONLY = ((b"www-authenticate", b'Bearer realm="portico"'),)
# What a token may be refused for once it is there.
CODES = (
    "jwt_malformed", "jwt_algorithm", "jwt_key_unknown", "jwt_signature", "jwt_expired", "jwt_not_yet_valid",
    "jwt_audience", "jwt_claim", "jwt_client_unknown", "jwt_type",
)  # fmt: skip

Read = Callable[[RequestContext], bytes | None]


class Verified(NamedTuple):
    """A token whose signature and claims are right, with the keys for which that holds."""

    keys: Keys
    not_before: float
    expires: float
    properties: dict[str, Any]  # what later expressions find in authentication.properties
    principal: bytes
    client_id: bytes
    given: Given


class TextKey:
    """The one key that is in the settings of a binding."""

    __slots__ = ("_keys",)

    def __init__(self, config: Config) -> None:
        from gateway_runtime.policies.jwt_key_reading import text_key

        self._keys: Keys = (text_key(config.text_key, config.algorithm()),)

    def current(self) -> Keys:
        """Return the key."""
        return self._keys

    def may_ask_again(self) -> bool:
        """There is nobody to ask for another key."""
        return False

    async def latest(self) -> Keys:
        """Return the key."""
        return self._keys

    newer = latest


def key_sets_of(config: Config, runtime: PolicyRuntime) -> KeySets:
    """Return the keys of the key sets that the settings name."""
    ttl, seconds = config.jwks_service_time_to_live * 60.0, config.jwks_service_connection_timeout / 1000
    remotes = [runtime.remote(url, read_key_set, ttl=ttl, seconds=seconds) for url in config.key_set_urls()]
    return KeySets(remotes, (config.algorithm(),))


def _reader(config: Config) -> Read:
    """Return what finds the token of a request: None where there is none, or more than one."""
    if config.jwt_origin is Origin.BEARER:
        return read_bearer
    name = selected_header(config.jwt_expression)
    if name is not None:

        def read_header(context: RequestContext) -> bytes | None:
            return context.only_header(name) or None

        return read_header
    evaluate = compile_for(TOKEN, config.jwt_expression).evaluate

    def read_selected(context: RequestContext) -> bytes | None:
        value = evaluate(context)
        return value.encode("utf-8", "replace") if type(value) is str and value else None

    return read_selected


class _Judge:
    """Verifies one token by the settings of a binding."""

    __slots__ = ("_algorithms", "_claim", "_config", "_literals", "_types", "_verifier", "conditions")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._algorithms = frozenset({config.algorithm()})
        self._verifier = Verifier(self._algorithms)
        self._types = config.types()
        self._claim = selected_claim(config.client_id_expression) or ""
        self._literals: list[tuple[str, str, bool]] = []
        # Name, expression and whether the claim has to be there. They may look at the request, so each one is asked.
        self.conditions: list[tuple[str, Callable[..., Any], bool]] = []
        if config.validate_custom_claim:
            for claims, needed in (
                (config.mandatory_custom_claims, True),
                (config.non_mandatory_custom_claims, False),
            ):
                for claim in claims:
                    value = compile_for(CLAIM, claim.value)
                    if type(value.value) is str:
                        self._literals.append((claim.key, value.value, needed))
                    else:
                        self.conditions.append((claim.key, value.evaluate, needed))

    def verify(self, text: bytes, keys: Keys, now: float) -> Verified:
        """Return a token that is good now. Raises `Unacceptable`."""
        config = self._config
        token = read_token(text, self._algorithms)
        if self._types and token.type not in self._types:
            raise Unacceptable("jwt_type")
        self._verifier.verify(token, keys)
        claims = token.claims
        not_before, expires = lifetime(
            claims, exp_needed=config.mandatory_exp_claim, nbf_needed=config.mandatory_nbf_claim
        )
        if now >= expires:
            raise Unacceptable("jwt_expired")
        if now < not_before:
            raise Unacceptable("jwt_not_yet_valid")
        if config.validate_aud_claim:
            check_audience(claims, config.audiences(), needed=config.mandatory_aud_claim)
        for name, expected, needed in self._literals:
            check_claim(claims, name, expected, needed=needed)
        subject, client = claims.get("sub"), claims.get(self._claim)
        return Verified(
            keys, not_before, expires, {"claims": claims},
            subject.encode("utf-8", "replace") if isinstance(subject, str) else b"",
            client.encode("utf-8", "replace") if isinstance(client, str) else b"",
            Given(vars={"claimSet": claims}),
        )  # fmt: skip


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Prepare keys and refusals; a request with a verified token is one digest and one look-up."""
    read, judge = _reader(config), _Judge(config)
    source = TextKey(config) if config.jwt_key_origin is KeyOrigin.TEXT else key_sets_of(config, runtime)
    missing = runtime.refusal("jwt_missing", headers=CHALLENGE_ONLY)
    unavailable = runtime.refusal("jwt_keys_unavailable", headers=((b"retry-after", b"5"),))
    refusals = {code: runtime.refusal(code, headers=CHALLENGE) for code in CODES}
    no_contract = runtime.refusal("jwt_no_contract")
    expired, too_early = refusals["jwt_expired"], refusals["jwt_not_yet_valid"]
    consumers, now, current = runtime.consumers, runtime.now, source.current
    needs_contract = not config.skip_client_id_validation
    conditions = judge.conditions
    plain_client = selected_claim(config.client_id_expression) is not None
    client_id = compile_for(CLIENT_ID, config.client_id_expression).evaluate
    remembered: dict[bytes, Verified] = {}

    def check(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        token = read(context)
        if token is None:
            return missing
        keys = current()
        if keys is None:
            return wait(context, token)
        found = remembered.get(sha256(token).digest())
        if found is not None and found[0] is keys:
            if now() >= found[2]:
                return expired
            return too_early if now() < found[1] else accept(context, found)
        try:
            return admit(context, token, keys)
        except UnknownKey as error:
            return look_again(context, token) if source.may_ask_again() else refusals[error.code]

    def admit(context: RequestContext, token: bytes, keys: Keys) -> Response | None:
        """Verify a token and remember it. Raises `UnknownKey`."""
        try:
            found = judge.verify(token, keys, now())
        except UnknownKey:
            raise
        except Unacceptable as error:
            return refusals[error.code]
        if len(remembered) >= REMEMBERED:
            del remembered[next(iter(remembered))]
        remembered[sha256(token).digest()] = found
        return accept(context, found)

    def accept(context: RequestContext, found: Verified) -> Response | None:
        for name, holds, needed in conditions:
            if name not in found.properties["claims"]:
                if needed:
                    return refusals["jwt_claim"]
            elif holds(context, found.given) is not True:
                return refusals["jwt_claim"]
        if needs_contract:
            client = found.client_id
            if not plain_client:
                value = client_id(context, found.given)
                client = value.encode("utf-8", "replace") if type(value) is str else b""
            consumer = consumers.by_client_id(client)
            if consumer is None:
                return no_contract if consumers.knows(client) else refusals["jwt_client_unknown"]
            context.application = consumer.id
            context.application_name = consumer.name
            context.note(notes.CLIENT_ID, consumer.client_id)
        context.note(AUTHENTICATION, found[3])
        context.principal = found[4]
        return None

    async def wait(context: RequestContext, token: bytes) -> Response | None:
        keys = await source.latest()
        if keys is None:
            return unavailable
        try:
            return admit(context, token, keys)
        except UnknownKey as error:
            return await look_again(context, token) if source.may_ask_again() else refusals[error.code]

    async def look_again(context: RequestContext, token: bytes) -> Response | None:
        keys = await source.newer()
        try:
            return refusals["jwt_key_unknown"] if keys is None else admit(context, token, keys)
        except UnknownKey as error:
            return refusals[error.code]

    return Handlers(request_headers=check)
