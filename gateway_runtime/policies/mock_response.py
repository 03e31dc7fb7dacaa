"""# Mock response

Answers requests from the OpenAPI document of an API, so that its backend is never asked.

## When to use it

To let people try an API, or build against it, before there is a backend; to see how a client takes an answer that a
backend rarely gives; and to test without touching real data.

## Example

```yaml
policyRef:
  name: mock-response
config:
  source: inline
  apiBasePath: /
  validateRequests: true
  spec: |
    openapi: 3.0.3
    info: {title: Orders, version: "1"}
    paths:
      /orders/{id}:
        get:
          parameters:
            - {name: id, in: path, required: true, schema: {type: integer}}
          responses:
            "200":
              description: The order
              content:
                application/json:
                  examples:
                    small: {value: {id: 1, lines: []}}
                    large: {value: {id: 2, lines: [{sku: A-1}, {sku: A-2}]}}
            "404":
              description: No such order
              content:
                application/json:
                  schema: {type: object, properties: {message: {type: string}}}
```

## What it does

The specification is that of the API version in the catalog (`context`) or the text in `spec` (`inline`), as with
schema validation. In local mode only `inline` is possible. Paths begin after the base path of the API and
`apiBasePath`. HEAD is answered as GET is, without the body.

- **Request first.** With `validateRequests` a request has to keep to its operation, as with schema validation: its
  parameters, content type and body. Undeclared query parameters pass.
- **Status.** That of `Prefer: code=404`, else that of `MS2-Status-Code: 404`, else the lowest 2xx of the operation. A
  status that the operation does not name is taken from its range (`4XX`) or its `default`, if it has one.
- **Media type.** What suits `Accept` best; of several that suit as well, and without `Accept`, the first in the
  specification. An operation that describes no content is answered without a body.
- **Body.** The example that `Prefer: example=large` names, else the first of `examples`, else `example`, else one made
  from the schema. `Prefer: dynamic=true` passes the examples over and makes one from the schema.
- **Headers** of the answer that the specification describes, with their examples or values that fit their schemas.

A body made from a schema is always the same one. In it `const`, `example`, `default` and the first of `enum` come
before what the type, format and limits say. Of `oneOf` and `anyOf` it is the first, `allOf` is put together, and
properties that are `writeOnly` are left out. Arrays have as few items as allowed, but one where they may. Six levels
down only what is required is made, 20 levels down nothing. A body has 2 000 values at most.

What cannot be made so are texts for a `pattern`, and what `not`, `if` and `patternProperties` ask for: give examples
for those. Types other than JSON, forms and plain text, such as XML, are answered from examples; without one they
are empty. An example that is kept elsewhere (`externalValue`) is not read.

Policies that come before this one, such as those that ask who calls, do their work; those after it see no request.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| any | – | as the specification says |
| 400 | `mock_request_invalid` | the request does not keep to its operation (`validateRequests`) |
| 404 | `mock_path_unknown` | the specification has no such path |
| 404 | `mock_status_unknown` | the operation does not have the status that was asked for |
| 404 | `mock_example_unknown` | the answer does not have the example that was asked for |
| 405 | `mock_method_unknown` | the path does not have this method; `Allow` names those it has |
| 406 | `mock_not_acceptable` | the answer has no media type that `Accept` takes |
| 500 | `mock_not_possible` | the specification describes no answer that can be made |

Answers from the specification are not counted as refusals, whatever their status. This policy always fails closed:
nothing reaches the backend.
"""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.inspected_bodies import is_encoded
from gateway_runtime.policies.results import NEEDS_BODY, NeedsBody, Response
from gateway_runtime.policies.specification_settings import (
    SpecificationConfig,
    finder,
    needs_specification,
    specification_for,
)
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyDefinition, Refusal, setting
from gateway_runtime.specification.answers import Answers
from gateway_runtime.specification.compiled import check_specification, operation_for
from gateway_runtime.specification.operations import Operation
from gateway_runtime.specification.references import References

REQUEST_INVALID = "mock_request_invalid"
PATH_UNKNOWN = "mock_path_unknown"
STATUS_UNKNOWN = "mock_status_unknown"
EXAMPLE_UNKNOWN = "mock_example_unknown"
METHOD_UNKNOWN = "mock_method_unknown"
NOT_ACCEPTABLE = "mock_not_acceptable"
NOT_POSSIBLE = "mock_not_possible"
# Of one operation. A `default` stands for hundreds of statuses.
MOST_KEPT = 100
ENCODED = "The body is compressed, so it cannot be checked. Send it as it is."
EXAMPLE = """\
openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /orders/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
      responses:
        "200":
          description: The order
          content:
            application/json:
              examples:
                small: {value: {id: 1, lines: []}}
                large: {value: {id: 2, lines: [{sku: A-1}, {sku: A-2}]}}
        "404":
          description: No such order
          content:
            application/json:
              schema: {type: object, properties: {message: {type: string}}}"""


class Config(SpecificationConfig, frozen=True):
    """By which specification requests are answered."""

    validate_requests: Annotated[
        bool,
        setting("Validate requests", "Refuse a request that does not keep to its operation, instead of answering it."),
    ] = True


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Compile the specification. Answers are made when they are first asked for, and kept."""
    specification = specification_for(config, runtime)
    find = finder(config, specification)
    refusals = {refusal.code: runtime.refusal(refusal.code) for refusal in DEFINITION.refusals}
    mocks: dict[int, _Mock] = {}
    not_allowed: dict[tuple[bytes, ...], Response] = {}
    for operations in specification.operations:
        methods = _allowed(operations)
        not_allowed[methods] = runtime.refusal(METHOD_UNKNOWN, headers=((b"allow", b", ".join(methods)),))
    path_unknown, invalid, binding = refusals[PATH_UNKNOWN], refusals[REQUEST_INVALID], runtime.binding

    def answer(operation: Operation, context: RequestContext) -> Response:
        mock = mocks.get(id(operation))
        if mock is None:
            mock = mocks[id(operation)] = _Mock(operation, specification.references, refusals)
        return mock.answer(context)

    def plain(context: RequestContext) -> Response:
        match = find(context)
        if match is None:
            return path_unknown
        operation = operation_for(match.operations, context.method)
        if operation is None:
            return not_allowed[_allowed(match.operations)]
        return answer(operation, context)

    def validated(context: RequestContext) -> NeedsBody | Response:
        match = find(context)
        if match is None:
            return path_unknown
        operation = operation_for(match.operations, context.method)
        if operation is None:
            return not_allowed[_allowed(match.operations)]
        headers = context.headers
        violation = operation.head_violation(match.parameters, context.query, headers, strict=False)
        validator = None
        if violation is None:
            violation, validator = operation.body_claim(headers, context.body_length)
        if violation is not None:
            return dataclasses.replace(invalid, detail=violation.detail)
        if validator is not None and is_encoded(context.headers):
            return dataclasses.replace(invalid, detail=ENCODED)
        if validator is not None or (context.body_length < 0 and operation.needs_body):
            context.note(binding, (operation, validator))
            return NEEDS_BODY
        return answer(operation, context)

    def check(context: RequestContext) -> Response:
        operation, validator = context.notes[binding]  # type: ignore[index]
        violation = operation.body_violation(context.body, validator)
        return (
            answer(operation, context) if violation is None else dataclasses.replace(invalid, detail=violation.detail)
        )

    handler: Callable[[RequestContext], Any] = validated if config.validate_requests else plain
    return Handlers(request_headers=handler, request_body=check if config.validate_requests else None)


def _allowed(operations: dict[bytes, Operation]) -> tuple[bytes, ...]:
    found = tuple(operations)
    return (*found, b"HEAD") if b"GET" in operations and b"HEAD" not in operations else found


class _Mock:
    """The answers of one operation, each made once."""

    __slots__ = ("_answers", "_made", "_refusals")

    def __init__(self, operation: Operation, references: References, refusals: dict[str, Response]) -> None:
        self._refusals = refusals
        self._made: dict[tuple[int, int, str, bool], Response] = {}
        try:
            self._answers: Answers | None = Answers(operation.described, references)
        except (ValueError, TypeError, AttributeError):
            self._answers = None

    def answer(self, context: RequestContext) -> Response:
        """Return the answer that a request asks for."""
        answers = self._answers
        if answers is None:
            return self._refusals[NOT_POSSIBLE]
        code, example, generated, accept = _wishes(context)
        status = _status(code) if code else answers.usual
        found = answers.find(status) if status else None
        if found is None:
            return self._refusals[STATUS_UNKNOWN]
        chosen = found.choose(accept) if found.contents else 0
        if chosen is None:
            return self._refusals[NOT_ACCEPTABLE]
        if generated:
            example = ""
        elif example and (not found.contents or example not in found.contents[chosen].examples):
            return self._refusals[EXAMPLE_UNKNOWN]
        key = (status, chosen, example, generated)
        response = self._made.get(key)
        if response is None:
            try:
                made = found.make(status, chosen, example, generated=generated)
            except (ValueError, TypeError, AttributeError, ArithmeticError, msgspec.MsgspecError):
                # A description that OpenAPI does not allow: what answers say is only looked at here.
                response = self._refusals[NOT_POSSIBLE]
            else:
                status, headers, body = made
                response = Response(status=status, code="", title="", detail="", headers=headers, body=body)
            if len(self._made) < MOST_KEPT:
                self._made[key] = response
        return response


def _wishes(context: RequestContext) -> tuple[str, str, bool, str]:
    """Return which status and example a request asks for, whether the body is to be generated, and its `Accept`."""
    wishes: dict[str, str] = {}
    asked, accept = "", ""
    for name, value in context.headers:
        if name == b"prefer":
            for each in value.decode("utf-8", "replace").split(","):
                key, _, wish = each.partition(";")[0].partition("=")
                wishes.setdefault(key.strip(" \t").lower(), wish.strip(" \t").strip('"'))
        elif name == b"ms2-status-code":
            asked = asked or value.decode("latin-1").strip(" \t")
        elif name == b"accept":
            text = value.decode("latin-1")
            accept = f"{accept},{text}" if accept else text
    generated = wishes.get("dynamic", "").lower() == "true"
    return wishes.get("code") or asked, wishes.get("example", ""), generated, accept


def _status(text: str) -> int:
    """Return a status that an answer can have, 0 for anything else."""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and "200" <= text <= "599" else 0


def _refusal(code: str, status: int, title: str, detail: str) -> Refusal:
    return Refusal(code=code, status=status, title=title, detail=detail)


DEFINITION = PolicyDefinition(
    name="mock-response",
    title="Mock response",
    summary="Answers requests from the OpenAPI document of the API, without its backend.",
    category=Category.QUALITY_OF_SERVICE,
    icon="file-text",
    config=Config,
    build=build,
    default_order=384,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY),
    example={"source": "inline", "spec": EXAMPLE, "apiBasePath": "/", "validateRequests": True},
    refusals=(
        _refusal(REQUEST_INVALID, 400, "Bad request", "The request does not keep to the specification."),
        _refusal(PATH_UNKNOWN, 404, "Not found", "The specification of this API does not have this path."),
        _refusal(STATUS_UNKNOWN, 404, "Not found", "The specification does not have this status for this operation."),
        _refusal(EXAMPLE_UNKNOWN, 404, "Not found", "The specification does not have this example for this answer."),
        _refusal(
            METHOD_UNKNOWN, 405, "Method not allowed", "The specification does not have this method at this path."
        ),
        _refusal(NOT_ACCEPTABLE, 406, "Not acceptable", "The answer has no media type that “Accept” takes."),
        _refusal(NOT_POSSIBLE, 500, "No mock response", "The specification describes no answer that can be made."),
    ),
    judges=False,
    needs_specification=needs_specification,
    check_specification=check_specification,
    documentation=__doc__ or "",
)
