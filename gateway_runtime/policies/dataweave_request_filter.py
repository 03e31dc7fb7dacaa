"""# DataWeave request filter

Lets a request pass or answers it, as a script says.

## When to use it

Where a rule of your own decides who gets in: a header that must be there, a body with a field that has to be within
bounds, an old version that is answered with a notice.

## Example

```yaml
policyRef:
  name: dataweave-request-filter
config:
  script: |
    %dw 2.0
    output application/java
    ---
    if (attributes.headers["x-api-key"] != null) { success: true }
    else { success: false, response: { statusCode: 401, body: "Missing API key", headers: {} } }
  requiresPayload: false
```

## What it does

The script is an [expression](/docs/reference/expressions/) without `#[…]`. It gives an object with `success`: with
`true` the request goes on. With `false` it is answered here, and no later policy and no backend sees it. `response`
says how, and each of its three parts may be left out:

| Part | Is | Without it |
| --- | --- | --- |
| `statusCode` | a whole number from 200 to 599 | 400 |
| `body` | a text, or anything else, which is written as JSON | the problem with the code `request_filter_blocked` |
| `headers` | an object: a text for each name, or a list of texts | no more than the Content-Type of the body |

An `output` in the header of the script says nothing here. Headers that frame an answer (`content-length` and the like)
are the gateway's own. Of a body at most 65 536 bytes are sent.

With `requiresPayload` the script has the body as `payload`: what its JSON or its form says, else a text. The request
waits for it then, up to the limit of the gateway (413 above). Without, `payload` is refused when the script is saved.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `request_filter_blocked` | the script has said so; the status is what the script says |
| 400 | `request_filter_no_body` | with `requiresPayload`: the request has no body |
| 400 | `request_filter_failed` | the script cannot be evaluated, or gives something else |

This policy always fails closed. In shadow mode what it would have answered is counted.

## More examples

Every example is run by the tests: a body, and what the script gives for it.

```dataweave
if (payload.amount is Number and payload.amount <= 1000) { success: true }
else { success: false, response: { statusCode: 422, body: { error: "amount_too_large", most: 1000 } } }
```

```json
{"amount": 5000}
{"success": false, "response": {"statusCode": 422, "body": {"error": "amount_too_large", "most": 1000}}}
```

```dataweave
{ success: (payload.items default []) every ($.sku? and not isBlank($.sku)) }
```

```json
{"items": [{"sku": "a"}, {"sku": " "}]}
{"success": false}
```
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

from gateway_runtime.expressions.casts import text_of
from gateway_runtime.expressions.errors import Stop
from gateway_runtime.expressions.given import NOTHING, Given
from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.expressions.writing import json_bytes
from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.dataweave_headers_transformation import STAYING, check_payload, headers_of
from gateway_runtime.policies.payloads import request_payload
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
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

SCRIPT = ExpressionSetting(gives=Gives.OBJECT, script=True, payload=True)
LONGEST_BODY = 65_536
PREPARED = 256
WITHOUT_BODY = frozenset({204, 205, 304})
_PARTS = frozenset({"statusCode", "body", "headers"})


class Config(PolicyConfig, frozen=True):
    """The script, and whether it needs the body."""

    script: Annotated[str, expression("Script", "Gives “success” and “response”.", SCRIPT, max_length=10_000)]
    requires_payload: Annotated[
        bool, setting("Needs the body", "The script has the body as “payload”; a request without one is refused.")
    ] = False

    def __post_init__(self) -> None:
        check_payload(self.script, self.requires_payload, SCRIPT)


def _answer(blocked: Response, problem: Callable[..., Response], given: Any) -> Response | None:
    """Return the answer that a script describes, None where it describes none."""
    if given is None:
        return blocked
    if type(given) is not dict or not given.keys() <= _PARTS:
        return None
    status, body, wanted = given.get("statusCode"), given.get("body"), given.get("headers")
    status = blocked.status if status is None else status
    if type(status) is float and status.is_integer():
        status = int(status)
    if type(status) is not int or not 200 <= status <= 599 or not (wanted is None or type(wanted) is dict):
        return None
    headers = headers_of(wanted or {})
    if headers is None:
        return None
    headers = [pair for pair in headers if pair[0] not in STAYING]
    if status in WITHOUT_BODY or body is None:
        return problem(status, tuple(headers))
    try:
        data, kind = _body(body)
    except Stop:
        return None
    if len(data) > LONGEST_BODY:
        return None
    if not any(name == b"content-type" for name, _ in headers):
        headers = [(b"content-type", kind), *headers]
    return replace(blocked, status=status, headers=tuple(headers), body=data, once=True)


def _body(value: Any) -> tuple[bytes, bytes]:
    if type(value) is dict or type(value) is list:
        return json_bytes(value, NOTHING), b"application/json"
    if type(value) is bytes:
        return value, b"application/octet-stream"
    return text_of(value).encode("utf-8", "surrogateescape"), b"text/plain; charset=utf-8"


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the script once."""
    evaluate = compile_for(SCRIPT, config.script).evaluate
    failed, blocked = runtime.refusal("request_filter_failed"), runtime.refusal("request_filter_blocked")
    no_body = runtime.refusal("request_filter_no_body")

    # The same ones again and again, as the gateway prepares each once.
    @lru_cache(maxsize=PREPARED)
    def problem(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> Response:
        # Of an answer that is no error there is nothing to explain.
        return replace(blocked, status=status, headers=headers, body=b"" if status < 400 else None)

    def judge(context: RequestContext, given: Given = NOTHING) -> Response | None:
        value = evaluate(context, given)
        if type(value) is not dict:
            return failed
        success = value.get("success")
        if success is True:
            return None
        return (_answer(blocked, problem, value.get("response")) if success is False else None) or failed

    def ask(context: RequestContext) -> NeedsBody | Response:
        return NEEDS_BODY if context.body_length or context.body else no_body

    def judge_body(context: RequestContext) -> Response | None:
        if not context.body:
            return no_body
        return judge(context, Given(payload=request_payload(context)))

    if config.requires_payload:
        return Handlers(request_headers=ask, request_body=judge_body)
    return Handlers(request_headers=judge)


DEFINITION = PolicyDefinition(
    name="dataweave-request-filter",
    title="DataWeave request filter",
    summary="Lets a request pass or answers it, as a script says.",
    category=Category.TRANSFORMATION,
    icon="filter-code",
    config=Config,
    build=build,
    default_order=380,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "script": "%dw 2.0\noutput application/java\n---\n"
        'if (attributes.headers["x-api-key"] != null) { success: true }\n'
        'else { success: false, response: { statusCode: 401, body: "Missing API key", headers: {} } }',
        "requiresPayload": False,
    },
    refusals=(
        Refusal(
            code="request_filter_blocked",
            status=400,
            title="Request not accepted",
            detail="This API does not accept this request.",
        ),
        Refusal(
            code="request_filter_no_body",
            status=400,
            title="Body required",
            detail="This API needs a body to decide about the request.",
        ),
        Refusal(
            code="request_filter_failed",
            status=400,
            title="Request not judged",
            detail="Whether this API accepts this request could not be decided.",
        ),
    ),
    documentation=__doc__ or "",
)
