"""# Stream idle timeout

Sets how long a request or an answer that has begun may stand still.

## When to use it

For APIs whose answers pause: long downloads, server-sent events, long polling. Or, with a short time, to let go of
callers and backends that have stopped in the middle.

## Example

```yaml
policyRef:
  name: stream-idle-timeout
config:
  timeout: 3600
```

## What it does

The time begins anew with every byte in either direction. When it is over before the answer has begun, callers get 504
with the code `upstream_timeout`; an answer that has begun is cut off, because nothing else can tell its reader.
Without this policy the gateway's own time holds, 300 seconds unless it is set otherwise. It is for a whole API: where
two bindings say a time, the later one in order holds.
"""

from typing import Annotated

from msgspec.structs import replace

from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.policy import Category, PolicyConfig, PolicyDefinition, setting


class Config(PolicyConfig, frozen=True):
    """How long to wait."""

    timeout: Annotated[float, setting("Timeout", "Seconds without a byte, up to a day.", gt=0, le=86_400)] = 300.0


def shape(config: Config, api: ApiInstance) -> ApiInstance:
    """Return the API with this time."""
    return replace(api, limits=replace(api.limits, stream_idle_seconds=config.timeout))


DEFINITION = PolicyDefinition(
    name="stream-idle-timeout",
    title="Stream idle timeout",
    summary="Sets how long a request or an answer may stand still.",
    category=Category.QUALITY_OF_SERVICE,
    icon="hourglass-low",
    config=Config,
    shape=shape,
    default_order=510,
    example={"timeout": 3600},
    documentation=__doc__ or "",
)
