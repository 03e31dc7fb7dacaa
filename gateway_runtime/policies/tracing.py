"""# Tracing

Says which requests to an API get OpenTelemetry spans, and what these say.

## When to use it

Where a gateway's own sampling is not right for one API: one that is being looked into is traced whole, one with much
traffic a little, and each with labels of its own.

## Example

```yaml
policyRef:
  name: tracing-flex
config:
  spanName: orders
  sampling:
    client: 100
    random: 5
    overall: 100
  labels:
    - name: tenant
      type: requestHeader
      keyName: x-tenant
      defaultValue: none
    - name: region
      type: environment
      keyName: REGION
```

## What it does

Each sampled request makes a span of kind *server* and, for each time that the service is asked, one of kind *client*,
with the attributes of OpenTelemetry for HTTP. The service gets a `traceparent` of its attempt. Spans go to the receiver
that the gateway's [configuration](/docs/reference/declarative-files/) or its environment names
(`OTEL_EXPORTER_OTLP_ENDPOINT`); without one this policy does nothing.

`client` is the share of the requests with the header `x-client-trace-id` that is traced, `random` that of all others.
Where a request comes with a valid `traceparent`, whoever began that trace has decided: it is gone on with where its
flag says so, and not otherwise. `overall` is the share of all these that is kept in the end. All are percentages.

`spanName` is a text, which may hold expressions of the request. Without it the server's span is called by method and
route. A label of type `literal` has the text of `defaultValue`, or else of `keyName`.

This policy takes the place of the gateway's sampling and labels for its API. That is decided before the first policy
runs, whatever the order of this one, and costs requests that are not sampled one draw of chance. Values of secret
parameters are masked as in [traces](/docs/guides/find-out-why/).

## What callers see

Nothing: no request is refused or changed for a caller.
"""

from typing import Annotated, Literal

from gateway_runtime.expressions.settings import compile_for
from gateway_runtime.policies.context import PolicyRuntime
from gateway_runtime.schema import tracing
from gateway_runtime.schema.expression import ExpressionSetting, expression
from gateway_runtime.schema.policy import Category, Handlers, PolicyConfig, PolicyDefinition, Spans, setting

NAME = ExpressionSetting(text=True)
MOST_LABELS = 20


class Sampling(PolicyConfig, frozen=True):
    """Percentages."""

    client: Annotated[
        float, setting("Client", "Percent of the requests with the header x-client-trace-id.", ge=0, le=100)
    ] = 100
    random: Annotated[float, setting("Random", "Percent of all other requests.", ge=0, le=100)] = 100
    overall: Annotated[float, setting("Overall", "Percent of all these that is kept.", ge=0, le=100)] = 100


class Label(PolicyConfig, frozen=True):
    """One more attribute of the server's span."""

    name: Annotated[str, setting("Name", "What the attribute is called.", min_length=1, max_length=100)]
    type: Annotated[
        Literal["literal", "environment", "requestHeader"],
        setting("Type", "A fixed text, a variable of the gateway's environment, or a header of the request."),
    ] = "literal"
    key_name: Annotated[str, setting("Key", "The name of the variable or header.", max_length=200)] = ""
    default_value: Annotated[
        str,
        setting("Value", "The fixed text, or what is said where there is no such variable or header.", max_length=500),
    ] = ""

    def __post_init__(self) -> None:
        if self.type != "literal" and not self.key_name:
            raise ValueError("Name the variable or header of this label")


class Config(PolicyConfig, frozen=True):
    """What is traced and what is said of it."""

    sampling: Annotated[Sampling, setting("Sampling", "Which requests get spans.")] = Sampling()
    span_name: Annotated[
        str,
        expression("Span name", "What the server's span is called; empty for method and route.", NAME, max_length=500),
    ] = ""
    labels: Annotated[list[Label], setting("Labels", "Attributes of the server's span.", max_length=MOST_LABELS)] = []


def build(config: Config, runtime: PolicyRuntime) -> Handlers:
    """Say it once: there is nothing to do for a request."""
    name = compile_for(NAME, config.span_name).evaluate if config.span_name else None
    sampling = config.sampling
    return Handlers(
        spans=Spans(
            sampling=tracing.Sampling(client=sampling.client, random=sampling.random, overall=sampling.overall),
            labels=tuple(
                tracing.Label(
                    name=label.name, type=label.type, key_name=label.key_name, default_value=label.default_value
                )
                for label in config.labels
            ),
            name=name,
        )
    )


DEFINITION = PolicyDefinition(
    name="tracing",
    title="Tracing",
    summary="Says which requests get OpenTelemetry spans, and what these say.",
    category=Category.TROUBLESHOOTING,
    icon="route",
    config=Config,
    build=build,
    default_order=16,
    phases=(),
    traces=True,
    example={
        "sampling": {"client": 100, "random": 5, "overall": 100},
        "labels": [{"name": "tenant", "type": "requestHeader", "keyName": "x-tenant", "defaultValue": "none"}],
    },
    documentation=__doc__ or "",
)
