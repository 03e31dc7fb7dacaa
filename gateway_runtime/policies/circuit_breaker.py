"""# Circuit breaker

Sets how much may be under way to the backend at once, and refuses what is more.

## When to use it

Before a backend that gets slow under load: what it cannot answer in time is refused at once, so that the requests it
does take are answered, and callers do not pile up behind it.

## Example

```yaml
policyRef:
  name: circuit-breaker
config:
  thresholds:
    maxConnections: 100
    maxPendingRequests: 50
    maxRequests: 200
```

## What it does

Each ceiling that is set is for one service, in each worker process of each replica: they are not shared. A request that
finds all connections in use waits for one, as long as fewer than `maxPendingRequests` others do. More than that, and
more than `maxRequests` under way, is answered with 503 and the code `upstream_circuit_open`. `maxRetries` is how many
requests may be tried another time at once.

`maxConnectionPools` is known from other gateways and has no effect: this one has one pool for each target. In
declarative files the policy is bound to a Service, for all who use it together.
"""

from typing import Annotated

from msgspec.structs import replace

from gateway_runtime.schema.document import ApiInstance
from gateway_runtime.schema.policy import Category, PolicyConfig, PolicyDefinition, setting
from gateway_runtime.schema.upstream import AtLeastOne, CircuitBreaker, Count


class Thresholds(PolicyConfig, frozen=True):
    """The ceilings."""

    max_connections: Annotated[AtLeastOne | None, setting("Connections", "Open connections at most.")] = None
    max_pending_requests: Annotated[
        Count | None, setting("Waiting requests", "Requests that wait for a connection at most.")
    ] = None
    max_requests: Annotated[AtLeastOne | None, setting("Requests", "Requests under way at most.")] = None
    max_retries: Annotated[
        Count | None, setting("Retries", "Requests that are tried another time at once, at most.")
    ] = None
    max_connection_pools: Annotated[
        Count | None, setting("Connection pools", "Has no effect: there is one for each target.")
    ] = None


class Config(PolicyConfig, frozen=True):
    """How much may be under way."""

    thresholds: Annotated[Thresholds, setting("Ceilings", "What is left empty has none.")]

    def breaker(self) -> CircuitBreaker:
        """Return the ceilings as a document has them."""
        given = self.thresholds
        return CircuitBreaker(
            max_connections=given.max_connections,
            max_pending_requests=given.max_pending_requests,
            max_requests=given.max_requests,
            max_retries=given.max_retries,
        )


def shape(config: Config, api: ApiInstance) -> ApiInstance:
    """Return the API with these ceilings for each of its services."""
    breaker = config.breaker()
    return replace(api, services=[replace(service, circuit_breaker=breaker) for service in api.services])


DEFINITION = PolicyDefinition(
    name="circuit-breaker",
    title="Circuit breaker",
    summary="Sets how much may be under way to the backend at once.",
    category=Category.QUALITY_OF_SERVICE,
    icon="plug-connected-x",
    config=Config,
    shape=shape,
    default_order=530,
    example={"thresholds": {"maxConnections": 100, "maxPendingRequests": 50, "maxRequests": 200}},
    documentation=__doc__ or "",
)
