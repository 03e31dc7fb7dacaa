"""# Maintenance

Answers every request with one fixed answer; the backend is not asked.

## When to use it

While a backend is being moved or repaired, for an API that is closed for good (410), or to answer a path that clients
ask for and nobody serves. Limit it by the conditions of its binding to close a part of an API only.

## Example

```yaml
policyRef:
  name: maintenance
config:
  status: 503
  retryAfterSeconds: 3600
  contentType: application/json
  body: '{"message": "We are back at noon."}'
```

## What it does

It comes before authentication, so that nobody has to sign in to be told. Without a `body`, an answer of 400 and above
is a problem as other refusals are, and any other has none. Answers below 400 are not counted as refused.

## What callers see

| Status | Code | When |
| --- | --- | --- |
| 503 | `under_maintenance` | always, with the `status` that is set |
"""

from dataclasses import replace
from typing import Annotated

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Response
from gateway_runtime.schema.policy import (
    Category,
    Handlers,
    Phase,
    PolicyConfig,
    PolicyDefinition,
    Refusal,
    setting,
)

# A message of these has no body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
WITHOUT_BODY = frozenset({204, 205, 304})


class Config(PolicyConfig, frozen=True):
    """The one answer."""

    status: Annotated[int, setting("Status", "The status of the answer.", ge=200, le=599)] = 503
    retry_after_seconds: Annotated[
        int, setting("Retry after", "In how many seconds to try again; 0 says nothing.", ge=0, le=31_622_400)
    ] = 0
    content_type: Annotated[
        str,
        setting(
            "Content type", "What the body is.", pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+;= \"-]+$",
            max_length=200,
        ),
    ] = "text/plain; charset=utf-8"  # fmt: skip
    body: Annotated[
        str, setting("Body", "What callers read. Empty: the gateway's own explanation.", max_length=100_000)
    ] = ""

    def __post_init__(self) -> None:
        if self.body and self.status in WITHOUT_BODY:
            raise ValueError(f"An answer with the status {self.status} has no body")


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Make the answer once."""
    refused = runtime.refusal("under_maintenance")
    retry = config.retry_after_seconds
    headers = ((b"retry-after", b"%d" % retry),) if retry else ()
    if config.body:
        kind = (b"content-type", config.content_type.encode())
        answer = replace(refused, status=config.status, headers=(kind, *headers), body=config.body.encode())
    elif config.status < 400:
        answer = replace(refused, status=config.status, headers=headers, body=b"")
    else:
        answer = replace(refused, status=config.status, headers=headers)
    if config.status < 400:
        answer = replace(answer, code="", policy="")

    def respond(context: RequestContext) -> Response:
        return answer

    return Handlers(request_headers=respond)


DEFINITION = PolicyDefinition(
    name="maintenance",
    title="Maintenance",
    summary="Answers every request with one fixed answer.",
    category=Category.QUALITY_OF_SERVICE,
    icon="barrier-block",
    config=Config,
    build=build,
    default_order=50,
    phases=(Phase.REQUEST_HEADERS,),
    example={
        "status": 503,
        "retryAfterSeconds": 3600,
        "contentType": "application/json",
        "body": '{"message": "We are back at noon."}',
    },
    refusals=(
        Refusal(
            code="under_maintenance",
            status=503,
            title="Under maintenance",
            detail="This API is closed for the time being.",
        ),
    ),
    documentation=__doc__ or "",
)
