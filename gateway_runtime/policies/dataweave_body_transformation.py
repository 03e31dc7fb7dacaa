"""# DataWeave body transformation

Makes a new body of the body of a request, or of an answer, by a script.

## When to use it

To give a backend the fields that it knows while callers send those that you have published, to keep fields of an answer
from callers, to wrap an answer or an error in the envelope that your company has, or to turn a form into JSON.

## Example

```yaml
policyRef:
  name: dataweave-body-transformation
config:
  requestFlow: onRequest
  script: |
    {
      "id": attributes.headers.'custom-client-header',
      "username": payload.name ++ payload.surname
    }
```

## What it does

The script is an [expression](/docs/reference/expressions/) without `#[…]`, behind a header that may be left out. In it
`payload` is the body: what its JSON or its form says, else a text, else binary data. What it gives is the new body.

With `output` in the header of the script it is written as that media type, which becomes the Content-Type:
`application/json` (or any that ends in `+json`), `application/x-www-form-urlencoded`, `application/xml`, `text/xml` and
`text/plain`. XML is an object with one name, the root; lists become an element for each item, and there are no
attributes. Without `output` the Content-Type stays; only where it is no JSON, form or XML and the script gives an
object or a list, the new body is `application/json`. Content-Length is always that of the new body.

`onRequest` sees the request, with `attributes.statusCode` null. `onResponse` sees the answer: `attributes.headers` are
its headers and `attributes.statusCode` its status; everything else is that of the request.

A message without a body stays without one: the script is not run. So are an answer to HEAD, and one with the status 204
or 304. With `onResponse` the backend is asked for whole answers that are not compressed (`Accept-Encoding`, `Range` and
`If-Range` are taken out of the request), and digests of the old body are taken out of the answer; its `ETag` is marked
as weak.

Every body is held in memory while it is transformed, up to the limit of the gateway (`bufferedBodyBytes`). A request
above it is refused with 413, an answer above it becomes a 502.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `body_transformation_failed` | `onRequest`: the script cannot be evaluated, or its result not written |
| 415 | `body_transformation_encoded` | `onRequest`: the body is compressed |
| 502 | `body_transformation_answer_failed` | `onResponse`: the same, or the answer is a stream of events |

This policy always fails closed: what could not be transformed is never passed on. An answer that fails is that of the
backend, so callers get 502 and not the 400 that says that their request was wrong.

## More examples

Every example is run by the tests. Behind each script is a body before and after it, a line each.

Add a field, and one that is there only where a header is:

```dataweave
payload ++ {
  channel: "web",
  (tenant: attributes.headers.'x-tenant') if attributes.headers.'x-tenant'?
}
```

```json
{"id": 17}
{"id": 17, "channel": "web", "tenant": "acme"}
```

Remove fields:

```dataweave
payload -- ["password", "token"]
```

```json
{"user": "ada", "password": "sesame", "token": "t"}
{"user": "ada"}
```

Rename fields, of an object and of each item of a list:

```dataweave
(payload - "items") ++ {
  lines: payload.items map ((item) -> {
    article: item.sku,
    quantity: item.count default 1
  })
}
```

```json
{"order": 7, "items": [{"sku": "a", "count": 2}, {"sku": "b"}]}
{"order": 7, "lines": [{"article": "a", "quantity": 2}, {"article": "b", "quantity": 1}]}
```

Keep what callers may see, and only the items that are for sale:

```dataweave
%dw 2.0
output application/json
var offers = payload.products filter $.active
---
{
  count: sizeOf(offers),
  total: sum(offers.price),
  names: offers map upper($.name)
}
```

```json
{"products": [{"name": "pen", "price": 1.5, "active": true}, {"name": "ink", "price": 4, "active": false}]}
{"count": 1, "total": 1.5, "names": ["PEN"]}
```

Wrap:

```dataweave
{ data: payload, meta: { path: attributes.requestPath } }
```

```json
{"id": 17}
{"data": {"id": 17}, "meta": {"path": "/orders/17"}}
```

One envelope for all errors of a backend (`onResponse`, here for an answer with the status 409):

```dataweave
if (attributes.statusCode >= 400) {
  error: {
    status: attributes.statusCode,
    message: payload.message default "Something went wrong."
  }
}
else payload
```

```json
{"message": "out of stock"}
{"error": {"status": 409, "message": "out of stock"}}
```
"""

import enum
from typing import Annotated, Any

from gateway_runtime.expressions.errors import ExpressionError, Failure
from gateway_runtime.expressions.expression import Expression
from gateway_runtime.expressions.given import Given
from gateway_runtime.expressions.outputs import OUTPUTS, written
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import Headers, PolicyRuntime, RequestContext
from gateway_runtime.policies.inspected_bodies import is_encoded
from gateway_runtime.policies.payloads import field, is_endless, request_payload, response_payload
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

SCRIPT = ExpressionSetting(gives=Gives.ANY, script=True, payload=True, either=True, outputs=OUTPUTS)
OF_REQUEST = ExpressionSetting(gives=Gives.ANY, script=True, payload=True, outputs=OUTPUTS)
# What says something about the body that was.
STALE = frozenset({b"content-digest", b"content-md5", b"digest", b"repr-digest"})
# An answer must come whole and readable, whatever the caller has asked for.
ASKS_FOR_OTHERS = frozenset({b"accept-encoding", b"if-range", b"range"})
WITHOUT_BODY = frozenset({204, 304})


class Flow(enum.StrEnum):
    """Which body is transformed."""

    ON_REQUEST = "onRequest"
    ON_RESPONSE = "onResponse"


def check_flow(script: str, flow: Flow, of_request: ExpressionSetting, either: ExpressionSetting) -> None:
    """Raise `ValueError` where the script of a request reads what only an answer has."""
    try:
        compile_for(either, script)
    except ExpressionError:
        return  # told with its character by the check of all expressions
    if flow is Flow.ON_REQUEST:
        try:
            compile_for(of_request, script)
        except ExpressionError as error:
            raise ValueError(error.sentence.rstrip(".")) from error


class Config(PolicyConfig, frozen=True):
    """The script, and which body it is for."""

    script: Annotated[str, expression("Script", "Makes the new body of “payload”.", SCRIPT, max_length=10_000)]
    request_flow: Annotated[Flow, setting("Transforms", "The body of the request, or that of the answer.")]

    def __post_init__(self) -> None:
        check_flow(self.script, self.request_flow, OF_REQUEST, SCRIPT)


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the script once."""
    script = compile_for(SCRIPT, config.script)
    if config.request_flow is Flow.ON_REQUEST:
        return _on_request(script, runtime)
    return _on_response(script, runtime)


def _on_request(script: Expression, runtime: PolicyRuntime) -> Handlers:
    evaluate, output = script.evaluate, script.output
    failed, encoded = runtime.refusal("body_transformation_failed"), runtime.refusal("body_transformation_encoded")

    def ask(context: RequestContext) -> NeedsBody | Response | None:
        if not context.body_length and not context.body:
            return None
        return encoded if is_encoded(context.headers) else NEEDS_BODY

    def transform(context: RequestContext) -> Response | None:
        if not context.body:
            return None
        made = _made(evaluate(context, Given(payload=request_payload(context))), output, context.headers)
        if type(made) is Failure:
            return failed
        context.body, context.headers = made
        return None

    return Handlers(request_headers=ask, request_body=transform)


def _on_response(script: Expression, runtime: PolicyRuntime) -> Handlers:
    evaluate, output = script.evaluate, script.output
    failed = runtime.refusal("body_transformation_answer_failed")

    def ask_for_all(context: RequestContext) -> None:
        context.headers = [pair for pair in context.headers if pair[0] not in ASKS_FOR_OTHERS]

    def ask(context: RequestContext) -> NeedsBody | None:
        status = context.response_status
        if context.method == b"HEAD" or status < 200 or status in WITHOUT_BODY:
            return None
        if is_encoded(context.response_headers) or is_endless(context):
            raise Refused(failed)
        return NEEDS_BODY

    def transform(context: RequestContext) -> None:
        if not context.response_body:
            return
        made = _made(evaluate(context, Given(payload=response_payload(context))), output, context.response_headers)
        if type(made) is Failure:
            raise Refused(failed)
        context.response_body, headers = made
        context.response_headers = [_weak(pair) if pair[0] == b"etag" else pair for pair in headers]

    return Handlers(request_headers=ask_for_all, response_headers=ask, response_body=transform)


def _made(value: Any, output: str, headers: Headers) -> Any:
    """Return the new body and the headers that go with it, or a `Failure`."""
    if type(value) is Failure:
        return value
    present = field(headers, b"content-type")
    found = written(value, output, present)
    if isinstance(found, Failure):
        return found
    body, kind = found
    kept = [pair for pair in headers if pair[0] not in STALE]
    if kind is not None and kind != present:
        kept = [pair for pair in kept if pair[0] != b"content-type"]
        kept.append((b"content-type", kind))
    return body, kept


def _weak(pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    return pair if pair[1].startswith(b"W/") else (pair[0], b"W/" + pair[1])


DEFINITION = PolicyDefinition(
    name="dataweave-body-transformation",
    title="DataWeave body transformation",
    summary="Makes a new body of the body of requests or answers, by a script.",
    category=Category.TRANSFORMATION,
    icon="transform",
    config=Config,
    build=build,
    default_order=405,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    judges=False,
    example={
        "requestFlow": "onRequest",
        "script": "{\n  \"id\": attributes.headers.'custom-client-header',\n"
        '  "username": payload.name ++ payload.surname\n}',
    },
    refusals=(
        Refusal(
            code="body_transformation_failed",
            status=400,
            title="Body not transformed",
            detail="The body of this request is not one that this API can make something of.",
        ),
        Refusal(
            code="body_transformation_encoded",
            status=415,
            title="Compressed body",
            detail="This API reads the bodies of requests. Send them without Content-Encoding.",
        ),
        Refusal(
            code="body_transformation_answer_failed",
            status=502,
            title="Answer not transformed",
            detail="The service has answered with a body that this API cannot make something of.",
        ),
    ),
    documentation=__doc__ or "",
)
