"""What the policies share that take a token which somebody else vouches for: scopes, contracts, exposed fields."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, NamedTuple

from gateway_runtime.expressions import given as notes
from gateway_runtime.expressions.given import AUTHENTICATION
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.jwt_token import Unacceptable, lifetime
from gateway_runtime.policies.results import Response
from gateway_runtime.policies.token_answers import Known, TokenAnswers, TokenRefused, is_token, read_bearer
from gateway_runtime.schema.policy import Handlers, Refusal

# The namespace that only the gateway writes; callers' headers of it are dropped before policies run.
EXPOSED = b"x-agw-"
# What servers and providers call tokens that are no access tokens.
OTHER_USES = {
    "token_use": ("id", "id_token", "refresh", "refresh_token"),
    "typ": ("ID", "Refresh", "Offline"),
}
NOT_EXPOSED = frozenset({"scope", "exp"})
LONGEST_VALUE = 4096

_field_name = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f]").search
# RFC 6749 section 3.3.
_scopes = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]*(?: +[\x21\x23-\x5b\x5d-\x7e]+)* *").fullmatch


class Criterion(enum.StrEnum):
    """How many of the scopes a token needs."""

    AND = "AND"
    OR = "OR"


class Demands(NamedTuple):
    """What a token is asked for once it is known to be good."""

    scopes: frozenset[str]
    criterion: Criterion
    expose_headers: bool
    needs_contract: bool


def read_scopes(text: str) -> frozenset[str]:
    """Return the scopes of a setting, which are separated by spaces. Raises `ValueError`."""
    if not _scopes(text):
        raise ValueError("Scopes are separated by spaces and have no quotes, backslashes or letters beyond ASCII")
    return frozenset(text.split())


def known_token(claims: dict[str, Any], *, now: float, seconds: float, client: Any, basis: Any = None) -> Known:
    """Return what is to be remembered of a good token, for `seconds` and never beyond its end.

    `client` is the field that names the client. Raises `TokenRefused`.
    """
    try:
        not_before, expires = lifetime(claims, exp_needed=False, nbf_needed=False)
    except Unacceptable:
        raise TokenRefused("bad_answer") from None
    if now >= expires or now < not_before:
        raise TokenRefused("invalid")
    kind = claims.get("token_type", "bearer")
    # A token that belongs to a key is worth nothing without the proof, and nobody here asks for it (RFC 7800).
    if not isinstance(kind, str) or kind.lower() != "bearer" or "cnf" in claims:
        raise TokenRefused("invalid")
    if any(claims.get(name) in uses for name, uses in OTHER_USES.items()):
        raise TokenRefused("invalid")
    return Known(
        min(now + seconds, expires), basis, granted_scopes(claims), _wire(client),
        _wire(claims.get("sub")), {"claims": claims}, exposed_headers(claims),
    )  # fmt: skip


def granted_scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Return the scopes of a token: one text, or a list as some providers write it."""
    scope = claims.get("scope", claims.get("scp"))
    if isinstance(scope, str):
        return frozenset(scope.split())
    return frozenset(each for each in scope if isinstance(each, str)) if isinstance(scope, list) else frozenset()


def exposed_headers(claims: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the scalar fields of a token as headers. What two readers could read differently is left out."""
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    for name, value in claims.items():
        if name in NOT_EXPOSED or not _field_name(name) or value is None or isinstance(value, dict | list):
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) > LONGEST_VALUE or _control(text):
            continue
        try:
            pair = (EXPOSED + name.lower().encode(), text.strip(" ").encode())
        except UnicodeEncodeError:
            continue
        found.setdefault(name.lower().replace("_", "-"), []).append(pair)
    return [pairs[0] for pairs in found.values() if len(pairs) == 1]


def _wire(value: Any) -> bytes:
    if not isinstance(value, str):
        return b""
    # A lone surrogate equals no client ID that somebody can have.
    return value.encode("utf-8", "surrogatepass")


def token_refusals(prefix: str, asked: str) -> tuple[Refusal, ...]:
    """Return the refusals of `enforcing`: their codes begin with the name of their policy, `asked` is who vouches."""
    named = (
        ("missing", 400, "Token required", "This API needs one access token. Send it as Authorization: Bearer."),
        ("invalid", 400, "Token not accepted", "The token is not accepted. Get a new token and try again."),
        (
            "unavailable", 401, "Token not checked",
            f"The token cannot be checked now, because the {asked} does not answer. Try again later.",
        ),
        ("scope", 403, "Scope missing", "The token lacks a scope that this API needs."),
        ("client_unknown", 403, "Client not known", "No client application has the client ID of the token."),
        (
            "no_contract", 403, "No contract",
            "The client application of this token has no active contract for this API. Request access to it.",
        ),
        (
            "bad_answer", 500, "Token not checked",
            f"The {asked} has answered what cannot be read. Tell the owner of this API.",
        ),
    )  # fmt: skip
    return tuple(
        Refusal(code=f"{prefix}_{reason}", status=status, title=title, detail=detail)
        for reason, status, title, detail in named
    )


def enforcing(
    runtime: PolicyRuntime,
    prefix: str,
    demands: Demands,
    answers: TokenAnswers,
    current: Callable[[], Any] | None = None,
) -> Handlers:
    """Return the handlers: a token that is known costs one digest and one look-up, and waits for nobody.

    `current` returns the basis on which a known token must rest to be known still.
    """
    bare = 'Bearer realm="portico"'
    wanted = " ".join(sorted(demands.scopes))
    challenges = {
        "missing": bare,
        "invalid": f'{bare}, error="invalid_token"',
        "scope": f'{bare}, error="insufficient_scope", scope="{wanted}"',
        "unavailable": bare,
    }
    refusals: dict[str, Response] = {}
    for reason in ("missing", "invalid", "scope", "unavailable", "bad_answer", "client_unknown", "no_contract"):
        headers = [(b"www-authenticate", challenges[reason].encode())] if reason in challenges else []
        if reason == "unavailable":
            headers.append((b"retry-after", b"5"))
        refusals[reason] = runtime.refusal(f"{prefix}_{reason}", headers=tuple(headers))
    missing, invalid, no_scope = refusals["missing"], refusals["invalid"], refusals["scope"]
    good, consumers, now = answers.good, runtime.consumers, runtime.now
    scopes, expose, needs_contract = demands.scopes, demands.expose_headers, demands.needs_contract
    every = demands.criterion is Criterion.AND

    def check(context: RequestContext) -> Response | Awaitable[Response | None] | None:
        token = read_bearer(context)
        if token is None:
            return missing
        digest = sha256(token).digest()
        known = good.get(digest)
        if known is not None and now() < known[0] and (current is None or known[1] is current()):
            return accept(context, known)
        reason = answers.refused(digest)
        if reason is not None:
            return refusals[reason]
        return wait(context, digest, token) if is_token(token) else invalid

    async def wait(context: RequestContext, digest: bytes, token: bytes) -> Response | None:
        try:
            known = await answers.of(digest, token)
        except TokenRefused as error:
            return refusals[error.reason]
        return accept(context, known)

    def accept(context: RequestContext, known: Known) -> Response | None:
        if scopes and not (scopes <= known.scopes if every else scopes & known.scopes):
            return no_scope
        if needs_contract:
            consumer = consumers.by_client_id(known.client)
            if consumer is None:
                return refusals["no_contract" if consumers.knows(known.client) else "client_unknown"]
            context.application = consumer.id
            context.application_name = consumer.name
            context.note(notes.CLIENT_ID, consumer.client_id)
        context.note(AUTHENTICATION, known[5])
        context.principal = known[4]
        if expose:
            context.headers = [pair for pair in context.headers if not pair[0].startswith(EXPOSED)] + known[6]
        return None

    return Handlers(request_headers=check)
