"""The messages of `envoy.service.auth.v3` (those of v2 have the same numbers): the question and the verdict."""

from __future__ import annotations

from ssl import DER_cert_to_PEM_cert
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from gateway_runtime.fetching.header_changes import Action, Change
from gateway_runtime.grpc.wire import Message, WireError, entry, message, number, text
from gateway_runtime.policies.envoy_messages import header_change

if TYPE_CHECKING:
    from gateway_runtime.policies.context import RequestContext
    from gateway_runtime.tls.client_certificate import ClientCertificate

METHODS = {
    "v3": b"/envoy.service.auth.v3.Authorization/Check",
    "v2": b"/envoy.service.auth.v2.Authorization/Check",
}


class Verdict(NamedTuple):
    """What an authorizer has said. `status` is 0 where the request may pass, else what the caller gets."""

    status: int
    backend: list[Change]
    caller: list[Change]
    body: bytes = b""


def check_request(
    context: RequestContext, allowed: frozenset[bytes] | None, *, now: float, with_certificate: bool
) -> bytes:
    """Return a `CheckRequest`. `allowed` are the headers that are shown, None for all."""
    certificate = context.client_certificate
    source = message(1, message(1, text(2, context.client_ip.encode())))
    if certificate is not None:
        source += text(4, _principal(certificate))
        if with_certificate:
            source += text(5, quote(DER_cert_to_PEM_cert(certificate.der), safe="").encode())
    path = context.path + b"?" + context.query if context.query else context.path
    http = b"".join((
        text(1, context.request_id),
        text(2, context.method),
        *(entry(3, name, value) for name, value in _headers(context, path, allowed)),
        text(4, path),
        text(5, context.header(b"host") or b""),
        number(9, context.body_length),
        text(10, b"HTTP/1.1"),
    ))  # fmt: skip
    seconds = int(now)
    time = number(1, seconds) + number(2, int((now - seconds) * 1e9))
    request = message(1, time) + message(2, http)
    return message(1, message(1, source) + message(4, request))


def _headers(context: RequestContext, path: bytes, allowed: frozenset[bytes] | None) -> list[tuple[bytes, bytes]]:
    """Return the headers, one for each name. The gateway's own word of the caller is among them."""
    found: dict[bytes, bytes] = {
        b":method": context.method,
        b":path": path,
        b"x-forwarded-for": context.client_ip.encode(),
        b"x-request-id": context.request_id,
    }
    for name, value in context.headers:
        key = b":authority" if name == b"host" else name
        found[key] = found[key] + b"," + value if key in found else value
    if allowed is not None:
        found = {name: value for name, value in found.items() if name in allowed}
    # A text of protocol buffers is UTF-8 or no text at all.
    return [(name, value if value.isascii() else value.decode("utf-8", "replace").encode())
            for name, value in found.items()]  # fmt: skip


def _principal(certificate: ClientCertificate) -> bytes:
    """Return whom a certificate is for: what Envoy looks for, in its order."""
    return next(iter((*certificate.uris, *certificate.dns_names)), certificate.subject).encode()


def read_verdict(data: bytes) -> Verdict:
    """Read a `CheckResponse`. Raises `WireError`, also for what cannot be done here."""
    answer = Message(data)
    if 5 in answer:
        raise WireError("the authorizer says that it has failed")
    if 2 in answer:
        return _denied(answer.message(2))
    if answer.message(1).number(1):
        return Verdict(403, [], [])
    if 3 not in answer and 1 not in answer:
        # To most readers this would be a yes.
        raise WireError("the authorizer says nothing")
    granted = answer.message(3)
    if 7 in granted or 8 in granted:
        raise WireError("query parameters cannot be changed")
    backend = [Change(Action.REMOVE, name) for name in granted.texts(5)]
    backend += [header_change(each) for each in granted.messages(2)]
    return Verdict(0, backend, [header_change(each) for each in granted.messages(6)])


def _denied(denied: Message) -> Verdict:
    status = denied.message(1).number(1) or 403
    if not 200 <= status <= 599:
        raise WireError("no answer has this status")
    return Verdict(status, [], [header_change(each) for each in denied.messages(2)], denied.text(3))
