"""# Response timeout

Sets how long the backend has to begin its answer.

## When to use it

Where one API is slower than the others of its gateway and callers may wait for it, or where nobody should wait for it
for as long as the gateway would.

## Example

```yaml
policyRef:
  name: response-timeout
config:
  timeout: 60
```

## What it does

The time begins when the request has been sent, and ends with the first byte of the answer. Later than that, callers get
504 with the code `upstream_timeout`. Without this policy the gateway's own time holds, 15 seconds unless it is set
otherwise. It is for a whole API: where two bindings say a time, the later one in order holds.
"""

from typing import Annotated

from msgspec.structs import replace

from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.policy import Category, PolicyConfig, PolicyDefinition, setting


class Config(PolicyConfig, frozen=True):
    """How long to wait."""

    timeout: Annotated[
        float, setting("Timeout", "Seconds until the answer has to begin, up to a day.", gt=0, le=86_400)
    ] = 15.0


def shape(config: Config, api: ApiInstance) -> ApiInstance:
    """Return the API with this time."""
    return replace(api, limits=replace(api.limits, response_seconds=config.timeout))


DEFINITION = PolicyDefinition(
    name="response-timeout",
    title="Response timeout",
    summary="Sets how long the backend has to begin its answer.",
    category=Category.QUALITY_OF_SERVICE,
    icon="hourglass",
    config=Config,
    shape=shape,
    default_order=500,
    example={"timeout": 60},
    documentation=__doc__ or "",
)
