"""# External processing

Shows every request and its answer to a service of your own, with the protocol of Envoy's `ext_proc`, and changes them
as that says.

## When to use it

For what no other policy does to headers and bodies: a format of your own, a look-up in a system of yours, an answer
from there instead of the backend. Whether a request may pass is simpler to decide with
[External authorization](/docs/policies/native-ext-authz/).

## Example

```yaml
policyRef:
  name: native-ext-proc
config:
  uri: h2://processor.example:9292
  messageTimeout: 500
  requestBodyMode: buffered
  failureModeAllow: false
```

## What it does

The gateway calls `Process` of `envoy.service.ext_proc.v3.ExternalProcessor`: one call for each request, which lasts
until the processor has seen all that it is to see, and ends at once where the request does. In turns the processor is
shown

1. method, path, host and headers of the request, with the caller's address as `x-forwarded-for`,
2. its body, with `requestBodyMode: buffered`,
3. status and headers of the answer, also of one that the gateway gives itself,
4. its body, with `responseBodyMode: buffered`,

and answers each with what is to change before the next policy or the other side sees it.

- **Headers** are set, added or removed; a header is set where the answer says nothing else. `:status` changes the
  status of an answer. What the gateway alone says of a request (`host`, `content-length`, `x-forwarded-for`,
  `x-portico-…`, a name with other signs than letters, digits and dashes) stays as it is, as does what frames an answer.
  Method and route have been decided by then:
  `:method` is passed over as with Envoy, and an answer that sets `:path` cannot be followed.
- **Bodies** are shown whole, up to the size that the gateway keeps of a body, and may be replaced; the gateway says the
  new length. With `CONTINUE_AND_REPLACE` a processor gives a message another body without seeing the one it has, or the
  first one. Messages of the processor have 16 MB at most.
- **An immediate answer** goes to the caller instead of the service's, with the processor's status, headers and body.
  One below 400 counts as answered, the others as refused; a refusal without a body has the usual one.
- **The processor chooses**, with `allowModeOverride`: in its answers about headers it says by `mode_override` what else
  of this request it wants to see.
- **More time** for one message is what it may ask for by `override_message_timeout`, up to `maxMessageTimeout`.

Where the processor ends the call in good order the request goes on without it.

Bodies in pieces (`streamed`, `bufferedPartial`), trailers, attributes and metadata are not shown, and an answer that
asks for them cannot be followed. A body of events without an end is not shown either: with a processor that wants it
the answer fails. Of a WebSocket it sees the handshake.

In shadow mode the processor is shown the first part of a request only, and what it says changes nothing; refusals are
counted.

Connections are kept, and shared by all policies with the same processor; each takes up to 100 requests at a time. Its
address is judged like that of a service: never one of the platform's own, and a private one only where the gateway may
connect to those.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 403 | `ext_proc_denied` | the processor refuses the request or its answer (with its own status) |
| 500 | `ext_proc_unavailable` | it cannot be reached, is too slow, fails, or its answer cannot be followed |

With `failureModeAllow` the second is never seen: the message passes as it is, and the processor is not asked about this
request again. Without, this policy fails closed, for answers as well as for requests. Why a processor cannot be asked
is in the gateway's log as `processor_failed`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway_runtime.fetching.client import FetchError
from gateway_runtime.fetching.header_changes import Headers, UnsafeHeader, changed, for_backend, for_caller
from gateway_runtime.grpc.wire import WireError
from gateway_runtime.outages import Outage
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.ext_proc_messages import (
    Immediate,
    Part,
    Said,
    body_message,
    configuration,
    headers_message,
)
from gateway_runtime.policies.ext_proc_processing import Processing, Processor
from gateway_runtime.policies.ext_proc_settings import Config
from gateway_runtime.policies.payloads import is_endless
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Refused, Response
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal

BODILESS = frozenset({204, 304})

# Shows a part to the processor: what is to become of it, None for nothing, or what callers get instead.
Ask = Callable[[Processing, Part, bytes], Coroutine[Any, Any, Said | Response | None]]


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Find the processor and its connections."""
    parts = config.parts()
    processor = Processor(
        runtime.service(config.service()),
        parts,
        config.allow_mode_override,
        configuration(parts),
        config.message_timeout / 1000,
        config.max_message_timeout / 1000,
    )
    binding, ask = runtime.binding, _asking(config, runtime)
    failed = None if config.failure_mode_allow else runtime.refusal("ext_proc_unavailable")

    def known(context: RequestContext) -> Processing | None:
        return None if context.notes is None else context.notes.get(binding)

    def begun(context: RequestContext) -> Processing:
        processing = known(context)
        if processing is None:
            processing = Processing(processor)
            context.note(binding, processing)
        return processing

    # The request

    async def show_request(context: RequestContext) -> NeedsBody | Response | None:
        processing = begun(context)
        fields = _request_fields(context)
        shown = headers_message(Part.REQUEST_HEADERS, fields, bodiless=not context.body_length)
        said = await ask(processing, Part.REQUEST_HEADERS, shown)
        if type(said) is not Said:
            return said  # type: ignore[return-value]
        context.headers = changed(context.headers, said.changes)
        processing.take(said)
        if processing.replacement is not None or (processing.parts.request_body and context.body_length):
            return NEEDS_BODY
        _wait_for_answer(processing)
        return None

    def want_request_body(context: RequestContext) -> NeedsBody | None:
        return NEEDS_BODY if context.body_length else None

    def see_request_body(context: RequestContext) -> Coroutine[Any, Any, Response | None] | None:
        processing = begun(context)
        if processing.replacement is None:
            return show_request_body(context, processing)
        context.body, processing.replacement = processing.replacement, None
        _wait_for_answer(processing)
        return None

    async def show_request_body(context: RequestContext, processing: Processing) -> Response | None:
        shown = body_message(Part.REQUEST_BODY, context.body or b"")
        said = await ask(processing, Part.REQUEST_BODY, shown)
        if type(said) is not Said:
            return said  # type: ignore[return-value]
        context.headers = changed(context.headers, said.changes)
        if said.body is not None:
            context.body = said.body
        _wait_for_answer(processing)
        return None

    # The answer

    def see_answer(context: RequestContext) -> Coroutine[Any, Any, NeedsBody | None] | NeedsBody | None:
        processing = begun(context)
        if processing.over:
            return None
        if processing.parts.response_headers:
            return show_answer(context, processing)
        return _next_of_answer(context, processing, failed)

    async def show_answer(context: RequestContext, processing: Processing) -> NeedsBody | None:
        fields = [(b":status", b"%d" % context.response_status), *context.response_headers]
        shown = headers_message(Part.RESPONSE_HEADERS, fields, bodiless=_is_bodiless(context))
        said = await ask(processing, Part.RESPONSE_HEADERS, shown)
        if type(said) is not Said:
            _refuse(said)
            return None
        context.response_headers = changed(context.response_headers, said.changes)
        processing.take(said)
        following = _next_of_answer(context, processing, failed)
        context.response_status = said.status or context.response_status
        return following

    def see_answer_body(context: RequestContext) -> Coroutine[Any, Any, None] | None:
        processing = begun(context)
        if processing.replacement is None:
            return show_answer_body(context, processing)
        context.response_body = processing.replacement
        processing.end()
        return None

    async def show_answer_body(context: RequestContext, processing: Processing) -> None:
        shown = body_message(Part.RESPONSE_BODY, context.response_body or b"")
        said = await ask(processing, Part.RESPONSE_BODY, shown)
        if type(said) is not Said:
            _refuse(said)
            return
        processing.end()
        context.response_headers = changed(context.response_headers, said.changes)
        context.response_status = said.status or context.response_status
        if said.body is not None:
            context.response_body = said.body

    def end(context: RequestContext) -> None:
        processing = known(context)
        if processing is not None:
            processing.end()

    sees_request = parts.request_headers or parts.request_body
    chooses = config.allow_mode_override and parts.request_headers
    sees_answer = parts.response_headers or parts.response_body or chooses
    return Handlers(
        request_headers=(show_request if parts.request_headers else want_request_body) if sees_request else None,
        request_body=see_request_body if sees_request else None,
        response_headers=see_answer if sees_answer else None,
        response_body=see_answer_body if sees_answer else None,
        ended=end,
    )


def _asking(config: Config, runtime: PolicyRuntime) -> Ask:
    denied, unavailable = runtime.refusal("ext_proc_denied"), runtime.refusal("ext_proc_unavailable")
    passes = config.failure_mode_allow
    what = "Requests and answers pass without it." if passes else f"Callers get {unavailable.status}."
    sentence = f"The processor {config.uri} cannot be asked ({{code}}). {what}"
    outage = runtime.keep(sentence, lambda: Outage("processor", runtime.clock, sentence, uri=config.uri))
    runtime.report(outage.notice)

    async def ask(processing: Processing, part: Part, shown: bytes) -> Said | Response | None:
        try:
            said = await processing.ask(part, shown)
            answer = _answer(denied, said) if type(said) is Immediate else None
            if type(said) is Said:
                said = said._replace(changes=_changes(part, said))
        except FetchError as error:
            outage.failed(error.code)
        except WireError:
            outage.failed("bad_message")
        except UnsafeHeader:
            outage.failed("unsafe_header")
        else:
            outage.worked()
            if answer is None:
                return said  # type: ignore[return-value]
            processing.end()
            return answer
        processing.end()
        return None if passes else unavailable

    return ask


def _changes(part: Part, said: Said) -> list[Any]:
    of_request = part in (Part.REQUEST_HEADERS, Part.REQUEST_BODY)
    return for_backend(said.changes, forgiving=True) if of_request else for_caller(said.changes)


def _request_fields(context: RequestContext) -> Headers:
    path = context.path + b"?" + context.query if context.query else context.path
    return [
        (b":method", context.method),
        (b":path", path),
        (b":authority", context.header(b"host") or b""),
        *(field for field in context.headers if field[0] != b"host"),
        (b"x-forwarded-for", context.client_ip.encode()),
        (b"x-request-id", context.request_id),
    ]


def _wait_for_answer(processing: Processing) -> None:
    """The request has been shown. Nothing is waited for where the processor does not want to see the answer."""
    if not (processing.parts.response_headers or processing.parts.response_body):
        processing.end()


def _next_of_answer(context: RequestContext, processing: Processing, failed: Response | None) -> NeedsBody | None:
    """Ask for the body of the answer where there is something to do with it; otherwise the processing is over."""
    if (processing.parts.response_body or processing.replacement is not None) and not _is_bodiless(context):
        if not is_endless(context):
            return NEEDS_BODY
        _refuse(failed)
    processing.end()
    return None


def _is_bodiless(context: RequestContext) -> bool:
    status = context.response_status
    return context.method == b"HEAD" or status < 200 or status in BODILESS


def _refuse(answer: Any) -> None:
    """End the request from a response handler, if there is an answer to do it with."""
    if answer is not None:
        raise Refused(answer)


def _answer(denied: Response, said: Immediate) -> Response:
    """Return the processor's own answer. A refusal without a body is a usual one, with its status and headers."""
    changes, status = for_caller(said.changes), said.status
    body = b"" if status in BODILESS else said.body
    headers = changed([(b"content-type", b"text/plain")] if body else [], changes)
    if not body and status >= 400:
        headers = [field for field in headers if field[0] != b"content-type"]
        return replace(denied, status=status, headers=tuple(headers), once=True)
    found = replace(denied, status=status, headers=tuple(headers), body=body, once=True)
    return found if status >= 400 else replace(found, code="", policy="")


_EXAMPLE: dict[str, Any] = {
    "uri": "h2://processor.example:9292",
    "messageTimeout": 500,
    "requestHeaderMode": "send",
    "responseHeaderMode": "send",
    "requestBodyMode": "buffered",
    "responseBodyMode": "none",
    "failureModeAllow": False,
}

DEFINITION = PolicyDefinition(
    name="native-ext-proc",
    aliases=("external-processing",),
    title="External processing",
    summary="Lets a service of your own change requests and answers, as Envoy's ext_proc does.",
    category=Category.TRANSFORMATION,
    icon="transform",
    config=Config,
    build=build,
    default_order=390,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY, Phase.RESPONSE_HEADERS, Phase.RESPONSE_BODY),
    example=_EXAMPLE,
    refusals=(
        Refusal(
            code="ext_proc_denied", status=403, title="Not allowed",
            detail="This request is not allowed.",
        ),
        Refusal(
            code="ext_proc_unavailable", status=500, title="Not processed",
            detail="What this API does with requests and answers cannot be done now. Try again later.",
        ),
    ),
    documentation=__doc__ or "",
)  # fmt: skip
