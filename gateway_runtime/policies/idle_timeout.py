"""# Upstream idle timeout

Sets how long a connection to the backend that nobody uses is kept.

## When to use it

Where a backend, or something on the way to it, closes quiet connections: keep them for a little less than it does, so
that no request is sent into one that is about to close.

## Example

```yaml
policyRef:
  name: idle-timeout
config:
  timeout: 30
```

## What it does

A connection that has been quiet for this long is closed, and the next request opens a new one. Without this policy the
gateway's own time holds, 60 seconds unless it is set otherwise. It is for everything an API sends to its services;
in declarative files it is bound to a Service instead, for all who use it.
"""

from typing import Annotated

from msgspec.structs import replace

from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.policy import Category, PolicyConfig, PolicyDefinition, setting


class Config(PolicyConfig, frozen=True):
    """How long to keep it."""

    timeout: Annotated[float, setting("Timeout", "Seconds without use, up to a day.", gt=0, le=86_400)] = 60.0


def shape(config: Config, api: ApiInstance) -> ApiInstance:
    """Return the API with this time for each of its services."""
    services = [
        replace(service, timeouts=replace(service.timeouts, connection_idle_seconds=config.timeout))
        for service in api.services
    ]
    return replace(api, services=services)


DEFINITION = PolicyDefinition(
    name="idle-timeout",
    title="Upstream idle timeout",
    summary="Sets how long an unused connection to the backend is kept.",
    category=Category.QUALITY_OF_SERVICE,
    icon="plug-connected",
    config=Config,
    shape=shape,
    default_order=520,
    example={"timeout": 30},
    documentation=__doc__ or "",
)
