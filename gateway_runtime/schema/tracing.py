"""How requests are traced: which of them, what their spans say, and who takes the spans."""

from typing import Annotated, Literal

import msgspec

from gateway_runtime.schema.expression import ExpressionSetting
from gateway_runtime.schema.part import Part
from gateway_runtime.schema.policy import setting

# The name of a span: a text with expressions of the request.
SPAN_NAME = ExpressionSetting(text=True)

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Sampling(Part, frozen=True):
    """Which requests get spans, in percent.

    `client` is for those with the header `x-client-trace-id`, `random` for those without it and without a trace of
    somebody else's; a trace that comes with a request has been decided on by whoever began it. `overall` is the share
    of all these that is kept in the end.
    """

    client: Annotated[
        Percent, setting("Asked for by the caller", "Of requests with the header x-client-trace-id.", unit="percent")
    ] = 100
    random: Annotated[
        Percent, setting("By chance", "Of requests that bring no trace and no such header.", unit="percent")
    ] = 100
    overall: Annotated[Percent, setting("Kept", "Of all these, those that are kept in the end.", unit="percent")] = 100


class Label(Part, frozen=True):
    """One more attribute of the server's span: a text, what the environment says, or a header of the request."""

    name: Annotated[str, setting("Name", "What the attribute is called.", min_length=1)]
    type: Annotated[Literal["literal", "environment", "requestHeader"], setting("Kind", "Where its value comes from.")]
    key_name: Annotated[str, setting("Variable or header", "Which variable of the environment, or which header.")] = ""
    default_value: Annotated[str, setting("Text", "The value itself, or what stands there without the other.")] = ""


class ApiSpans(Part, frozen=True):
    """Which requests of one API get spans, and what these say. `name` may hold expressions; empty: method and route."""

    sampling: Sampling
    labels: list[Label] = []
    name: str = ""


class SpanReceiver(Part, frozen=True):
    """Who takes the spans: an OTLP receiver, asked over HTTP at `endpoint` or over gRPC.

    `headers` go with each export and may hold credentials.
    """

    endpoint: Annotated[
        str,
        setting("Address", "Where it listens, such as http://collector.example:4318/v1/traces.", placeholder="http://"),
    ]
    protocol: Annotated[
        Literal["http/protobuf", "grpc"],
        setting("Protocol", "gRPC usually has port 4317.", verbatim=True),
    ] = "http/protobuf"
    headers: Annotated[
        dict[str, str],
        setting("Headers", "They go with each export, and may hold credentials: Authorization: …", secret=True),
    ] = {}
    service_name: Annotated[str, setting("Name of this gateway", "As the receiver shows it.")] = "portico-gateway"

    def __repr__(self) -> str:
        # The generated form would show the headers.
        return f"SpanReceiver(endpoint={self.endpoint!r}, protocol={self.protocol!r})"


class Tracing(Part, frozen=True):
    """Tracing of a whole gateway. Without `sampling` only APIs with the tracing policy get spans.

    Without `receiver` the environment of the gateway may name one (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    """

    receiver: Annotated[
        SpanReceiver | None,
        setting("Receiver", "Who takes the spans (OpenTelemetry).", switch=True),
    ] = None
    sampling: Annotated[
        Sampling | None,
        setting("Sampling", "Which requests get spans.", switch=True),
    ] = None
    labels: Annotated[list[Label], setting("Labels", "More attributes of each span.")] = []
