"""# Schema validation

Refuses requests that do not keep to the OpenAPI document of an API.

## When to use it

To let nothing through to a backend that its description does not have: unknown paths, missing or malformed parameters,
bodies with the wrong fields. The backend then has to check less, and callers get one kind of answer to their mistakes.

## Example

```yaml
policyRef:
  name: spec-validation
config:
  source: inline
  apiBasePath: /
  blockOperation: true
  strictParamsValidation: true
  spec: |
    openapi: 3.0.3
    info: {title: Orders, version: "1"}
    paths:
      /orders:
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [sku, quantity]
                  properties:
                    sku: {type: string, pattern: "^A-[0-9]+$"}
                    quantity: {type: integer, minimum: 1}
          responses:
            "201": {description: Created}
```

## What it does

With the source `context` the specification is that of the API version in the catalog; it is published with the API, and
a new one counts from the next change to this API on. With `inline` it is the text in `spec`. In local mode there is no
catalog, so only `inline` is possible there. OpenAPI 3.0 and 3.1 are read, as YAML or JSON.

A request is compared with the paths of the specification after the base path of the API and `apiBasePath` have been
removed; servers in the specification do not count. What is compared:

- **Path and method.** A plain path wins over a template. HEAD is taken as GET where the specification has no HEAD.
- **Parameters** in path, query, headers and cookies: required ones are there, and each fits its schema, read in the
  style that the specification says (`simple`, `label`, `matrix`, `form`, `spaceDelimited`, `pipeDelimited`,
  `deepObject`, with and without `explode`, or as JSON in `content`). One that is no list may not be there twice.
- **Undeclared query parameters** are refused with `strictParamsValidation`, else they pass. Those of an API key in
  `securitySchemes` are declared.
- **Content type.** A body has one of the types that the operation declares; without `Content-Type` it is taken as JSON.
- **JSON bodies** fit their schema, are nested no deeper than 100 levels and have no name twice in one object. A
  `charset` in which quotes and brackets may be other bytes, such as UTF-16, is not taken. Bodies of other types are not
  looked into, and a body where the operation declares none passes.

Properties that are `readOnly` are not asked for. Formats such as `date-time`, `email`, `uuid`, `int32` and `int64` are
checked; unknown ones are not. A `pattern` that looks around is given up after 5 000 steps, which counts as not fitting.
A browser's preflight is an OPTIONS request: with the CORS policy it is answered before this one.

References are followed inside the document only: no file and no address is ever read. A document that cannot be used
is refused when it is saved, or, with `context`, when the API is published.

With `blockOperation` off every request passes, and each one that would have been refused is written to the log with its
code and place. Shadow mode counts them instead.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 400 | `path_not_in_specification` | the specification has no such path |
| 400 | `method_not_in_specification` | the path does not have this method |
| 400 | `parameter_missing` | a required parameter is not there |
| 400 | `parameter_invalid` | a parameter does not fit its schema or its style |
| 400 | `parameter_not_in_specification` | the query has a parameter that is not declared |
| 400 | `content_type_not_in_specification` | the operation does not declare this content type |
| 400 | `body_missing` | the operation needs a body |
| 400 | `body_malformed` | the body is no JSON in UTF-8, or has a name twice |
| 400 | `body_encoded` | the JSON body has a `Content-Encoding`, so it cannot be checked |
| 400 | `body_invalid` | the body does not fit its schema |

All of them are 400, as documented, also for an unknown path. `detail` names the place, as a JSON pointer, and the rule,
and never a value. Where several alternatives of a schema lead back to it, the place and the rule are left out: looking
for them would take too long. This policy always fails closed.
"""

import dataclasses
import time
from typing import Annotated

import msgspec

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.inspected_bodies import is_encoded, is_like_utf_8
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
from gateway_runtime.policies.specification_settings import (
    SpecificationConfig,
    finder,
    needs_specification,
    specification_for,
)
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal, setting
from gateway_runtime.specification.compiled import check_specification, operation_for
from gateway_runtime.specification.violation import (
    BODY_INVALID,
    BODY_MALFORMED,
    BODY_MISSING,
    METHOD_UNKNOWN,
    PARAMETER_INVALID,
    PARAMETER_MISSING,
    PARAMETER_UNKNOWN,
    PATH_UNKNOWN,
    TYPE_UNKNOWN,
    Violation,
)

BODY_ENCODED = "body_encoded"
NAME = "spec-validation"
EXAMPLE = """\
openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [sku, quantity]
              properties:
                sku: {type: string, pattern: "^A-[0-9]+$"}
                quantity: {type: integer, minimum: 1}
      responses:
        "201": {description: Created}"""


class Config(SpecificationConfig, frozen=True):
    """By which specification requests are judged, and what happens to those that do not fit."""

    block_operation: Annotated[
        bool,
        setting("Block requests", "Refuse a request that does not fit; off, it passes and a line is logged."),
    ] = True
    strict_params_validation: Annotated[
        bool,
        setting("Strict query parameters", "Refuse query parameters that the specification does not declare."),
    ] = False


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the specification and prepare the answers once."""
    find = finder(config, specification_for(config, runtime))
    strict, binding = config.strict_params_validation, runtime.binding
    refusals = {refusal.code: runtime.refusal(refusal.code) for refusal in DEFINITION.refusals}
    log = None if config.block_operation else _Log(runtime)

    def refuse(violation: Violation, context: RequestContext) -> Response | None:
        if log is not None:
            log.write(violation, context)
            return None
        return dataclasses.replace(refusals[violation.code], detail=violation.detail)

    def plainly(code: str, context: RequestContext) -> Response | None:
        return refuse(Violation(code, refusals[code].detail), context)

    def look(context: RequestContext) -> NeedsBody | Response | None:
        match = find(context)
        if match is None:
            return plainly(PATH_UNKNOWN, context)
        operation = operation_for(match.operations, context.method)
        if operation is None:
            return plainly(METHOD_UNKNOWN, context)
        headers = context.headers
        violation = operation.head_violation(match.parameters, context.query, headers, strict=strict)
        if violation is not None:
            return refuse(violation, context)
        violation, validator = operation.body_claim(headers, context.body_length)
        if violation is not None:
            return refuse(violation, context)
        if validator is None and not (context.body_length < 0 and operation.needs_body):
            return None
        if validator is not None:
            if is_encoded(headers):
                return plainly(BODY_ENCODED, context)
            if not is_like_utf_8(context):
                return plainly(BODY_MALFORMED, context)
        context.note(binding, (operation, validator))
        return NEEDS_BODY

    def check(context: RequestContext) -> Response | None:
        operation, validator = context.notes[binding]  # type: ignore[index]
        violation = operation.body_violation(context.body, validator)
        return None if violation is None else refuse(violation, context)

    return Handlers(request_headers=look, request_body=check)


class _Log:
    """Writes a line about each request that does not fit."""

    __slots__ = ("_add", "_fixed", "_now")

    def __init__(self, runtime: PolicyRuntime) -> None:
        fields = {
            "ecs.version": "8.11.0",
            "event.kind": "event",
            "event.action": "specification_violation",
            "log.level": "warn",
            "portico.policy": NAME,
            "portico.api.id": runtime.api,
            "portico.api.name": runtime.api_name,
        }
        self._fixed = b"," + msgspec.json.encode(fields)[1:-1] + b","
        self._add, self._now = runtime.add_line, runtime.now

    def write(self, violation: Violation, context: RequestContext) -> None:
        """Write one line. Nothing that a caller has sent is in it but plain names."""
        now = self._now()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        told = {
            "http.request.id": context.request_id.decode("ascii", "backslashreplace"),
            "error.code": violation.code,
            "message": violation.detail,
        }
        head = b'{"@timestamp":"%s"' % stamp.encode()
        self._add(head + self._fixed + msgspec.json.encode(told)[1:] + b"\n")


def _refusal(code: str, detail: str) -> Refusal:
    return Refusal(code=code, status=400, title="Bad request", detail=detail)


DEFINITION = PolicyDefinition(
    name=NAME,
    title="Schema validation",
    summary="Refuses requests that do not keep to the OpenAPI document of the API.",
    category=Category.SECURITY,
    icon="checklist",
    config=Config,
    build=build,
    default_order=330,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    example={
        "source": "inline",
        "spec": EXAMPLE.strip(),  # as a form gives it
        "apiBasePath": "/",
        "blockOperation": True,
        "strictParamsValidation": True,
    },
    refusals=(
        _refusal(PATH_UNKNOWN, "The specification of this API does not have this path."),
        _refusal(METHOD_UNKNOWN, "The specification of this API does not have this method at this path."),
        _refusal(PARAMETER_MISSING, "A required parameter is missing."),
        _refusal(PARAMETER_INVALID, "A parameter does not fit its schema."),
        _refusal(PARAMETER_UNKNOWN, "The specification does not have a query parameter of this request."),
        _refusal(TYPE_UNKNOWN, "The specification does not have this “Content-Type” for the request."),
        _refusal(BODY_MISSING, "The request needs a body."),
        _refusal(BODY_MALFORMED, "The body is no valid JSON in UTF-8."),
        _refusal(BODY_ENCODED, "The body is compressed, so it cannot be checked. Send it as it is."),
        _refusal(BODY_INVALID, "The body does not fit its schema."),
    ),
    needs_specification=needs_specification,
    check_specification=check_specification,
    documentation=__doc__ or "",
)
