"""# Body reading

Has to do with every body, in each way in which a policy can.

## When to use it

In tests of the gateway, which installs it as a custom policy.

## Example

```yaml
- policyRef:
    name: body-reading
  config:
    way: whole
```

| Status | Code | When |
| --- | --- | --- |
| 422 | `bad_body` | a body has in it what is refused |
"""

from typing import Annotated, Literal

from gateway_runtime.policies.context import PolicyRuntime, RequestContext
from gateway_runtime.policies.results import Refused, Response
from gateway_runtime.schema.policy import Category, Handlers, Phase, PolicyConfig, PolicyDefinition, Refusal, setting


class Config(PolicyConfig, frozen=True):
    """How the bodies are read."""

    way: Annotated[
        Literal["whole", "stream"], setting("Way", "Whether they are read whole, or stream through a filter.")
    ] = "whole"
    append: Annotated[str, setting("Append", "What is put behind every body.")] = ""
    refuse: Annotated[str, setting("Refuse", "What must not be in the body of a request.")] = ""


class _Filter:
    def __init__(self, end: bytes, bad: bytes, refusal: Response) -> None:
        self.keeps_length = not end
        self._end, self._bad, self._refusal = end, bad, refusal

    def feed(self, data: bytes) -> bytes:
        if self._bad and self._bad in data:
            raise Refused(self._refusal)
        return data

    def finish(self) -> bytes:
        return self._end


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Return its handlers."""
    refusal, end, bad = runtime.refusal("bad_body"), config.append.encode(), config.refuse.encode()

    def on_request_body(context: RequestContext) -> Response | None:
        assert context.body is not None
        if bad and bad in context.body:
            return refusal
        if context.body:
            context.body += end
        return None

    def on_response_body(context: RequestContext) -> None:
        assert context.response_body is not None
        context.response_body += end

    def on_request(context: RequestContext) -> None:
        context.filter_request(_Filter(end, bad, refusal))

    def on_response(context: RequestContext) -> None:
        context.filter_response(_Filter(end, b"", refusal))

    if config.way == "whole":
        return Handlers(request_body=on_request_body, response_body=on_response_body)
    return Handlers(request_headers=on_request, response_headers=on_response)


DEFINITION = PolicyDefinition(
    name="body-reading",
    title="Body reading",
    summary="Has to do with every body.",
    category=Category.TROUBLESHOOTING,
    config=Config,
    build=build,
    default_order=500,
    phases=(Phase.REQUEST_HEADERS, Phase.REQUEST_BODY, Phase.RESPONSE_HEADERS, Phase.RESPONSE_BODY),
    example={"way": "whole"},
    refusals=(Refusal(code="bad_body", status=422, title="Bad body", detail="The body must not be sent."),),
    documentation=__doc__,
)
