"""# DataWeave headers transformation

Replaces the headers of a request, or of an answer, by those that a script gives.

## When to use it

To rename headers, to choose what goes on by what a header or the body says, or to let pass no other headers than those
that you name. To add or remove a few, [header injection](/docs/policies/header-injection/) and
[header removal](/docs/policies/header-removal/) need no script.

## Example

```yaml
policyRef:
  name: dataweave-headers-transformation
config:
  requestFlow: onRequest
  script: |
    {
      "custom_client_secret": "fixed_secret_123",
      "custom_client_id": if (attributes.headers.'custom-client-header'?) attributes.headers.'custom-client-header'
                          else "client-id-not-set"
    }
```

## What it does

The script is an [expression](/docs/reference/expressions/) without `#[…]` that gives an object: each name is a header
with that value, a text, a number, or true or false. A list gives one header for each item, null gives none.

**The headers that the script does not name are gone.** To keep the others write them too, as in
`attributes.headers ++ {…}` or `attributes.headers -- [...]`.

These stay whatever a script gives, as they say how the message is read and by whom: `connection`, `content-length`,
`expect`, `host`, `keep-alive`, `proxy-connection`, `te`, `trailer`, `transfer-encoding`, `upgrade`, `via` and
`x-request-id`. `accept`, `content-encoding`, `content-type` and `date` stay unless the script gives others. A header
that the script hands on with the value that it had is not touched, so that an answer keeps several `set-cookie` apart.

With `requiresPayload` the script has the body as `payload`, and the message waits for it. Without, `payload` is refused
when the script is saved, and bodies pass unread.

`onResponse` sees the answer: `attributes.headers` are its headers, `attributes.statusCode` is its status.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `headers_transformation_failed` | `onRequest`: the script cannot be evaluated, or gives what is no header |
| 502 | `headers_transformation_answer_failed` | `onResponse`: the same for an answer |

No header is a name with other signs than HTTP allows, a value with a line break or another control character, one of
more than 8 192 bytes, or more than 100 headers. Such a thing is never written. This policy always fails closed.

## More examples

Every example is run by the tests: the headers before, and after.

Add one to those that are there:

```dataweave
attributes.headers ++ { "x-channel": "web" }
```

```json
{"x-key": "K1"}
{"x-key": "K1", "x-channel": "web"}
```

Remove and rename:

```dataweave
(attributes.headers -- ["x-debug", "x-key"]) ++ { "x-tenant": attributes.headers.'x-key' }
```

```json
{"x-key": "K1", "x-debug": "1", "x-other": "2"}
{"x-other": "2", "x-tenant": "K1"}
```

Only those that begin with `x-`:

```dataweave
attributes.headers filterObject ((value, name) -> name startsWith "x-")
```

```json
{"x-key": "K1", "cookie": "a=1"}
{"x-key": "K1"}
```
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import ExpressionError, Stop
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.reading import request_headers, response_headers, wire
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.policies.dataweave_body_transformation import Flow, check_flow
from gateway_runtime.policies.header_injection import LONGEST_VALUE, RESERVED
from gateway_runtime.policies.payloads import request_handlers, request_payload, response_payload
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Refused, Response
from gateway_runtime.schema.expression import ExpressionSetting, Gives, expression
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

SCRIPT = ExpressionSetting(gives=Gives.OBJECT, script=True, payload=True, either=True)
OF_REQUEST = ExpressionSetting(gives=Gives.OBJECT, script=True, payload=True)
STAYING = frozenset({name.encode() for name in RESERVED} | {b"via", b"x-request-id"})
# Gone only where the script gives others.
KEPT = frozenset({b"accept", b"content-encoding", b"content-type", b"date"})
MOST = 100

_is_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}").fullmatch
# RFC 9110 section 5.5: of control characters a value may hold tabs alone.
_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def check_payload(script: str, requires_payload: bool, takes: ExpressionSetting) -> None:
    """Raise `ValueError` where a script reads a body that it has not asked for."""
    if requires_payload:
        return
    try:
        reads = compile_for(takes, script).uses_payload
    except ExpressionError:
        return  # told with its character by the check of all expressions
    if reads:
        raise ValueError("The script reads “payload”: turn on “Needs the body” (requiresPayload)")


class Config(PolicyConfig, frozen=True):
    """The script, and which headers it is for."""

    script: Annotated[str, expression("Script", "Gives the headers as an object.", SCRIPT, max_length=10_000)]
    request_flow: Annotated[Flow, setting("Transforms", "The headers of the request, or those of the answer.")]
    requires_payload: Annotated[
        bool, setting("Needs the body", "The script has the body as “payload”; the message waits for it.")
    ] = False

    def __post_init__(self) -> None:
        check_flow(self.script, self.request_flow, OF_REQUEST, SCRIPT)
        check_payload(self.script, self.requires_payload, SCRIPT)


def headers_of(value: Any) -> Headers | None:
    """Return an object of a script as headers, None where it holds what is none."""
    made: Headers = []
    for name, given in value.items():
        if not _is_name(name):
            return None
        low = name.lower().encode()
        for each in given if type(given) is list else (given,):
            if each is None:
                continue
            try:
                data = wire(text_of(each)).strip(b" \t")
            except Stop:
                return None
            if len(data) > LONGEST_VALUE or _control(data) is not None:
                return None
            made.append((low, data))
        if len(made) > MOST:
            return None
    return made


def _transformed(value: Any, headers: Headers, before: dict[str, str]) -> Headers | None:
    """Return the headers that a message has then, None where the script gives what is no header."""
    if type(value) is not dict:
        return None
    # What has come as it is goes as it is: several values stay apart, and bytes that are no text stay the same.
    same = {name for name, given in value.items() if given is not None and before.get(name) == given}
    made = headers_of({name: given for name, given in value.items() if name not in same})
    if made is None:
        return None
    staying = STAYING.union(map(wire, same), KEPT.difference([name for name, _ in made]))
    kept = [pair for pair in headers if pair[0] in staying]
    return kept + [pair for pair in made if pair[0] not in STAYING]


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the script once."""
    evaluate = compile_for(SCRIPT, config.script).evaluate
    if config.request_flow is Flow.ON_REQUEST:
        return _on_request(evaluate, config.requires_payload, runtime)
    return _on_response(evaluate, config.requires_payload, runtime)


def _on_request(evaluate: Callable[..., Any], needs_body: bool, runtime: PolicyRuntime) -> Handlers:
    failed = runtime.refusal("headers_transformation_failed")

    def transform(context: RequestContext) -> Response | None:
        given = Given(payload=request_payload(context)) if needs_body else NOTHING
        made = _transformed(evaluate(context, given), context.headers, request_headers(context))
        if made is None:
            return failed
        context.headers = made
        return None

    return Handlers(**request_handlers(transform, reads_body=needs_body))


def _on_response(evaluate: Callable[..., Any], needs_body: bool, runtime: PolicyRuntime) -> Handlers:
    failed = runtime.refusal("headers_transformation_answer_failed")

    def transform(context: RequestContext) -> None:
        given = Given(payload=response_payload(context)) if needs_body else NOTHING
        made = _transformed(evaluate(context, given), context.response_headers, response_headers(context))
        if made is None:
            raise Refused(failed)
        context.response_headers = made

    if needs_body:
        return Handlers(response_headers=_ask, response_body=transform)
    return Handlers(response_headers=transform)


def _ask(context: RequestContext) -> NeedsBody:
    return NEEDS_BODY


DEFINITION = PolicyDefinition(
    name="dataweave-headers-transformation",
    title="DataWeave headers transformation",
    summary="Replaces the headers of requests or answers by those that a script gives.",
    category=Category.TRANSFORMATION,
    icon="list-details",
    config=Config,
    build=build,
    default_order=395,
    phases=(Phase.REQUEST_HEADERS,),
    judges=False,
    example={
        "requestFlow": "onRequest",
        "requiresPayload": False,
        "script": '{\n  "custom_client_secret": "fixed_secret_123",\n'
        "  \"custom_client_id\": if (attributes.headers.'custom-client-header'?)"
        " attributes.headers.'custom-client-header'\n"
        '                      else "client-id-not-set"\n}',
    },
    refusals=(
        Refusal(
            code="headers_transformation_failed",
            status=400,
            title="Headers not transformed",
            detail="The headers that this API needs cannot be made of this request.",
        ),
        Refusal(
            code="headers_transformation_answer_failed",
            status=502,
            title="Headers not transformed",
            detail="The headers of this answer cannot be made of what the service has answered.",
        ),
    ),
    documentation=__doc__ or "",
)
