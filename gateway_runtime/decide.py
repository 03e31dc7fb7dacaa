"""What a snapshot would do with a request: the same routes and policies as live traffic, without a connection."""

from dataclasses import dataclass, field, replace
from typing import Any

from gateway_runtime.configuration.compiler import Compiler
from gateway_runtime.configuration.snapshot import Snapshot
from gateway_runtime.http.limits import ApiLimits, Limits
from gateway_runtime.http.message import Request, parse_request
from gateway_runtime.http.refusals import CONTENT_TOO_LARGE, INTERNAL_ERROR, NO_API_HERE, NO_ROUTE, BadMessage
from gateway_runtime.http.upstream_head import policy_headers
from gateway_runtime.policies.chain import Chain, passed_through
from gateway_runtime.policies.context import RequestContext
from gateway_runtime.policies.results import NEEDS_BODY, Refused, Response
from gateway_runtime.policies.shadow import Shadow, give_up
from gateway_runtime.schema.document import Document, Service, encode
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.trace import Outcome
from gateway_runtime.upstream.registry import PoolRegistry

__all__ = ["Call", "Decision", "Outcome", "Verdict", "check_service", "decide", "rehearsed"]


_FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to decide on, as it would arrive on a port.

    `body` is None where it is not known: its length is what the headers say. With one they need not say it.
    """

    port: int
    method: str = "GET"
    target: str = "/"
    host: str = "localhost"
    headers: tuple[tuple[str, str], ...] = ()
    client_ip: str = "127.0.0.1"
    body: bytes | None = None

    def head(self) -> bytes:
        """Return the request head that a client would send."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body and not any(name.lower() in _FRAMING for name, _ in self.headers):
            lines.append(f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one policy said, with its reason code where it refused."""

    policy: str
    outcome: Outcome
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to a call under one revision.

    `status`, `code` and `detail` are those of the refusal, 0 and empty when the call goes on to a service. `policy` is
    empty when the gateway itself refuses.
    """

    revision: int
    api: str = ""
    route: str = ""
    upstream_path: str = ""
    application: str = ""
    status: int = 0
    policy: str = ""
    code: str = ""
    detail: str = ""
    verdicts: tuple[Verdict, ...] = field(default=())


def check_service(service: Service) -> None:
    """Raise `ConfigFault` for a service that no gateway could ask, with the path inside it."""
    PoolRegistry().get(service, "")


def rehearsed(document: Document) -> Snapshot:
    """Return a snapshot to decide on and for nothing else. Raises `ConfigFault` when any part of it cannot be used.

    It asks nobody, and counts from nothing: no counters are shared with a gateway.
    """
    compiled = Compiler(PoolRegistry()).compile(0, "", encode(document))
    for fault in compiled.faults:
        raise ConfigFault(fault.path, fault.code, fault.message)
    return compiled.snapshot


def decide(snapshot: Snapshot, call: Call, *, limits: Limits | None = None) -> Decision:
    """Return what this snapshot would do with a call.

    Nothing is sent and nothing waits. Policies that count, count here too: decide on a snapshot compiled for it, never
    on one that serves.
    """
    limits = limits or Limits()
    try:
        request = parse_request(call.head(), limits)
    except BadMessage as error:
        return _refused(snapshot, error.response)
    table = snapshot.ports.get(call.port)
    api = table.find(request.path) if table is not None else None
    if api is None:
        return _refused(snapshot, NO_API_HERE)
    if api.quarantine is not None:
        return _refused(snapshot, api.quarantine, api=api.id)
    size = max(request.length, len(call.body or b""))
    own = api.limits or ApiLimits()
    if own.body_bytes is not None and size > own.body_bytes:
        return _refused(snapshot, CONTENT_TOO_LARGE, api=api.id)
    found = api.find(request.method, request.path, request.host, request.headers)
    if found is None:
        return _refused(snapshot, NO_ROUTE, api=api.id)
    route, path = found
    context = _context(request, api.base_length, call.client_ip)
    context.forward_path = path
    most = limits.buffered_body_bytes if own.buffered_body_bytes is None else own.buffered_body_bytes
    body = call.body if request.length else b""
    verdicts, refusal = _walk(api.chain, context, body, most) if api.chain is not None else ((), None)
    return Decision(
        revision=snapshot.revision,
        api=api.id,
        route=route.id,
        upstream_path=path.decode("latin-1"),
        application=context.application,
        status=refusal.status if refusal else 0,
        policy=refusal.policy if refusal else "",
        code=refusal.code if refusal else "",
        detail=refusal.detail if refusal else "",
        verdicts=verdicts,
    )


def _context(request: Request, base_length: int, client_ip: str) -> RequestContext:
    context = RequestContext(
        request.method, request.path, request.query or b"", policy_headers(request), client_ip, request.request_id
    )
    context.api_path = request.path[base_length:] or b"/"
    context.host = request.host
    context.body_length = request.length
    return context


def _walk(
    chain: Chain, context: RequestContext, body: bytes | None, most: int
) -> tuple[tuple[Verdict, ...], Response | None]:
    verdicts: list[Verdict] = []
    for policy, handler, condition, _, on_body in chain.request:
        if condition is not None and not condition(context):
            verdicts.append(Verdict(policy=policy, outcome=Outcome.NOT_BOUND))
            continue
        shadow = isinstance(handler, Shadow)
        try:
            result = _judged(handler, context, on_body, body, most)
        except Exception as error:
            # As in live traffic: a request never passes a policy that could not judge it.
            refusal = error.response if isinstance(error, Refused) else INTERNAL_ERROR
            verdicts.append(Verdict(policy=policy, outcome=Outcome.FAILED, code=refusal.code))
            return tuple(verdicts), replace(refusal, policy=policy)
        if result is None:
            verdicts.append(Verdict(policy=policy, outcome=Outcome.CONTINUED))
        elif isinstance(result, Response) and shadow:
            outcome = Outcome.WOULD_REFUSE if result.code else Outcome.CONTINUED
            verdicts.append(Verdict(policy=policy, outcome=outcome, code=result.code))
        elif isinstance(result, Response):
            outcome = Outcome.REFUSED if result.code else Outcome.ANSWERED
            verdicts.append(Verdict(policy=policy, outcome=outcome, code=result.code))
            return tuple(verdicts), result
        elif result is NEEDS_BODY:
            verdicts.append(Verdict(policy=policy, outcome=Outcome.NEEDS_BODY))
        else:
            give_up(result)
            verdicts.append(Verdict(policy=policy, outcome=Outcome.NEEDS_IO))
    return tuple(verdicts), _filtered(context, body if context.body is None else context.body)


def _judged(handler: Any, context: RequestContext, on_body: Any, body: bytes | None, most: int) -> Any:
    if isinstance(handler, Shadow):
        seen = body if context.body is None else context.body
        return handler.judge(context, seen if seen is None or len(seen) <= most else None)
    result = handler(context)
    return _see_body(context, on_body, body, most) if result is NEEDS_BODY else result


def _see_body(context: RequestContext, on_body: Any, body: bytes | None, most: int) -> Any:
    """Return what a policy says of the body, as far as it is known and the gateway would read it."""
    if context.body is None:
        if max(context.body_length, len(body or b"")) > most:
            return CONTENT_TOO_LARGE
        context.body = body
    if context.body is None:
        return NEEDS_BODY
    refusal = _filtered(context, context.body)
    return on_body(context) if refusal is None else refusal


def _filtered(context: RequestContext, body: bytes | None) -> Response | None:
    """Put a body that is known into the context as the filters in its way make it, or return their refusal."""
    filters, context.request_filters = context.request_filters, None
    if filters and body is not None and context.body_length:
        try:
            context.body = passed_through(filters, body)
        except Refused as refused:
            return refused.response
    return None


def _refused(snapshot: Snapshot, response: Response, *, api: str = "") -> Decision:
    return Decision(
        revision=snapshot.revision, api=api, status=response.status, code=response.code, detail=response.detail
    )
