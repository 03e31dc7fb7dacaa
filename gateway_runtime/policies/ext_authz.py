"""# External authorization

Asks a service of your own about every request, with the protocol of Envoy's `ext_authz`, and lets pass what it grants.

## When to use it

Where who may do what is decided by rules of your own, such as those of Open Policy Agent, or by a service that knows
more than a token says.

## Example

```yaml
policyRef:
  name: native-ext-authz
config:
  uri: h2://authorizer.example:9191
  serverType: grpc
  requestTimeout: 500
  includePeerCertificate: true
```

## What it does

**With `serverType: grpc`** the gateway calls `Check` of `envoy.service.auth.v3.Authorization` (or `v2`) with the
caller's address, the subject of its certificate and, with `includePeerCertificate`, the certificate, and with method,
path, host, length and headers of the request, or those in `allowedHeaders`. The body is not sent. The verdict may add,
set and remove headers of the request and, where the request passes, of the answer. A header whose `append` is off or
not given is set. Metadata are not looked at; a verdict that changes query parameters cannot be followed.

**With `serverType: http`** it sends a request with the caller's method, host and path (behind that of `uri`), without
the body, with the headers in `allowedHeaders` and those in `serviceRequestHeadersToAdd`. The caller's address can be
allowed as `x-forwarded-for`. Status 200 lets the request pass. Then the backend gets the headers of the answer that are
in `serviceResponseUpstreamHeaders` (what a caller has sent by these names never passes, whether or not they are in the
answer) and in `serviceResponseUpstreamHeadersToAppend`; the caller gets those in
`serviceResponseClientHeadersOnSuccess`. Every other status below 500 refuses the request.

A refused caller gets the authorizer's status, headers and body, such as a redirect to a sign-in page. A refusal without
a body has the usual one. Of an HTTP authorizer's headers a caller gets those in `serviceResponseClientHeaders`,
`WWW-Authenticate`, `Location` and the type of the body, or all where the list is empty.

Headers that frame a message or say who calls (`content-length`, `host`, `x-forwarded-for`, `x-portico-…` and others)
are for the gateway alone. A verdict that sets one for the backend, or has a header with a line break in it, is none.

Connections are kept, and shared by all policies that ask the same authorizer. Its address is judged like that of a
service: never one of the platform's own, and a private one only where the gateway may connect to those.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 403 | `ext_authz_denied` | the authorizer refuses the request (with its own status, where it says one) |
| 403 | `ext_authz_unavailable` | it cannot be reached, is too slow, fails, or its answer cannot be followed |

The status of the second is `statusOnError`, 403 as with Envoy where nothing is set. Why an authorizer cannot be asked
is in the gateway's log as `authorizer_failed`. This policy always fails closed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.header_changes import (
    Action,
    Change,
    Headers,
    UnsafeHeader,
    changed,
    for_backend,
    for_caller,
)
from gateway_runtime.grpc.wire import WireError
from gateway_runtime.outages import Outage
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.ext_authz_messages import METHODS, Verdict, check_request, read_verdict
from gateway_runtime.policies.ext_authz_settings import Config, ServerType
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal

# Of an answer of the authorizer.
LARGEST_VERDICT = 256 * 1024
LARGEST_BODY = 64 * 1024
# A refused caller gets these of an HTTP authorizer's headers whatever the list says.
ALWAYS_FOR_CALLERS = frozenset({b"content-type", b"location", b"www-authenticate"})

Ask = Callable[[RequestContext], Awaitable[Verdict]]


def _names(names: list[str]) -> frozenset[bytes]:
    return frozenset(name.lower().encode() for name in names)


def _grpc(config: Config, runtime: PolicyRuntime) -> Ask:
    service, method = runtime.service(config.service()), METHODS[config.server_version]
    allowed = _names(config.allowed_headers) or None
    seconds, now, with_certificate = config.request_timeout / 1000, runtime.now, config.include_peer_certificate

    async def ask_grpc(context: RequestContext) -> Verdict:
        question = check_request(context, allowed, now=now(), with_certificate=with_certificate)
        return read_verdict(await service.call(method, question, seconds=seconds, limit=LARGEST_VERDICT))

    return ask_grpc


def _http(config: Config, runtime: PolicyRuntime) -> Ask:
    service, prefix, seconds = runtime.service(config.service()), config.path_prefix(), config.request_timeout / 1000
    allowed = _names(config.allowed_headers)
    added = [f"{each.key.lower()}: {each.value}".encode() for each in config.service_request_headers_to_add]
    if b"user-agent" not in allowed:
        added.append(b"user-agent: portico-gateway")
    replaced, appended = (
        _names(config.service_response_upstream_headers), _names(config.service_response_upstream_headers_to_append),
    )  # fmt: skip
    on_success = _names(config.service_response_client_headers_on_success)
    on_refusal = _names(config.service_response_client_headers)
    taken_away = [Change(Action.REMOVE, name) for name in replaced]

    async def ask_http(context: RequestContext) -> Verdict:
        path = prefix + (context.path + b"?" + context.query if context.query else context.path)
        lines = added + [b": ".join(field) for field in _shown(context, allowed)]
        answer = await service.ask(
            context.method, path, lines, seconds=seconds, limit=LARGEST_BODY, host=context.header(b"host") or b""
        )
        status, fields = answer.status, answer.fields
        if status >= 500:
            raise FetchError(f"status_{status}")
        if status != 200:
            wanted = [
                Change(Action.APPEND, name, value)
                for name, value in fields
                if not on_refusal or name in on_refusal or name in ALWAYS_FOR_CALLERS
            ]
            return Verdict(status, [], wanted, answer.body)
        backend = taken_away + [
            Change(Action.APPEND, name, value) for name, value in fields if name in replaced or name in appended
        ]
        return Verdict(0, backend, [Change(Action.APPEND, *field) for field in fields if field[0] in on_success])

    return ask_http


def _shown(context: RequestContext, allowed: frozenset[bytes]) -> Headers:
    found = [field for field in context.headers if field[0] in allowed and field[0] != b"host"]
    if b"x-forwarded-for" in allowed:
        found.append((b"x-forwarded-for", context.client_ip.encode()))
    if b"x-request-id" in allowed:
        found.append((b"x-request-id", context.request_id))
    return found


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Find the authorizer and its connections."""
    ask_for_verdict = _grpc(config, runtime) if config.server_type is ServerType.GRPC else _http(config, runtime)
    denied = runtime.refusal("ext_authz_denied")
    unavailable = replace(runtime.refusal("ext_authz_unavailable"), status=config.status_on_error)
    sentence = f"The authorizer {config.uri} cannot be asked ({{code}}). Callers get {config.status_on_error}."
    outage = runtime.keep(sentence, lambda: Outage("authorizer", runtime.clock, sentence, uri=config.uri))
    runtime.report(outage.notice)
    binding = runtime.binding

    async def check(context: RequestContext) -> Response | None:
        try:
            verdict = await ask_for_verdict(context)
            caller = for_caller(verdict.caller)
            backend = for_backend(verdict.backend)
        except FetchError as error:
            outage.failed(error.code)
        except WireError:
            outage.failed("bad_verdict")
        except UnsafeHeader:
            outage.failed("unsafe_header")
        else:
            outage.worked()
            if verdict.status:
                return _refusal(denied, verdict.status, caller, verdict.body)
            if backend:
                context.headers = changed(context.headers, backend)
            if caller:
                context.note(binding, caller)
            return None
        return unavailable

    def add_headers(context: RequestContext) -> None:
        caller: list[Change] | None = context.notes.get(binding) if context.notes is not None else None
        if caller:
            context.response_headers = changed(context.response_headers, caller)

    return Handlers(request_headers=check, response_headers=add_headers)


def _refusal(denied: Response, status: int, caller: list[Change], body: bytes) -> Response:
    """Return the authorizer's own answer, or a usual refusal with its status and headers."""
    headers = changed([], caller)
    if not body and status >= 400:
        headers = [field for field in headers if field[0] != b"content-type"]
        return denied if not headers and status == denied.status else replace(
            denied, status=status, headers=tuple(headers), once=True
        )  # fmt: skip
    body = b"" if status in (204, 304) else body
    return replace(denied, status=status, headers=tuple(headers), body=body, once=True)


_EXAMPLE: dict[str, Any] = {
    "uri": "h2://authorizer.example:9191",
    "serverType": "grpc",
    "serverVersion": "v3",
    "requestTimeout": 500,
    "includePeerCertificate": True,
    "allowedHeaders": [],
}

DEFINITION = PolicyDefinition(
    name="native-ext-authz",
    aliases=("external-authorization",),
    title="External authorization",
    summary="Asks a service of your own about every request, as Envoy's ext_authz does.",
    category=Category.SECURITY,
    icon="shield-question",
    config=Config,
    build=build,
    default_order=250,
    phases=(Phase.REQUEST_HEADERS, Phase.RESPONSE_HEADERS),
    example=_EXAMPLE,
    refusals=(
        Refusal(
            code="ext_authz_denied", status=403, title="Not allowed",
            detail="You are not allowed to do this.",
        ),
        Refusal(
            code="ext_authz_unavailable", status=403, title="Not allowed",
            detail="Whether you are allowed to do this cannot be found out now. Try again later.",
        ),
    ),
    documentation=__doc__ or "",
)  # fmt: skip
