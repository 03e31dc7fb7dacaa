"""How requests are traced: which of them, what their spans say, and who takes the spans."""

from typing import Annotated, Literal

import msgspec

from gateway_runtime.schema.expression import ExpressionSetting
from gateway_runtime.schema.part import Part
from gateway_runtime.schema.secret import SECRET

# The name of a span: a text with expressions of the request.
SPAN_NAME = ExpressionSetting(text=True)

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Sampling(Part, frozen=True):
    """Which requests get spans, in percent.

    `client` is for those with the header `x-client-trace-id`, `random` for those without it and without a trace of
    somebody else's; a trace that comes with a request has been decided on by whoever began it. `overall` is the share
    of all these that is kept in the end.
    """

    client: Percent = 100
    random: Percent = 100
    overall: Percent = 100


class Label(Part, frozen=True):
    """One more attribute of the server's span: a text, what the environment says, or a header of the request."""

    name: str
    type: Literal["literal", "environment", "requestHeader"]
    key_name: str = ""
    default_value: str = ""


class ApiSpans(Part, frozen=True):
    """Which requests of one API get spans, and what these say. `name` may hold expressions; empty: method and route."""

    sampling: Sampling
    labels: list[Label] = []
    name: str = ""


class SpanReceiver(Part, frozen=True):
    """Who takes the spans: an OTLP receiver, asked over HTTP at `endpoint` or over gRPC.

    `headers` go with each export and may hold credentials.
    """

    endpoint: str
    protocol: Literal["http/protobuf", "grpc"] = "http/protobuf"
    headers: Annotated[dict[str, str], SECRET] = {}
    service_name: str = "portico-gateway"

    def __repr__(self) -> str:
        # The generated form would show the headers.
        return f"SpanReceiver(endpoint={self.endpoint!r}, protocol={self.protocol!r})"


class Tracing(Part, frozen=True):
    """Tracing of a whole gateway. Without `sampling` only APIs with the tracing policy get spans.

    Without `receiver` the environment of the gateway may name one (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    """

    receiver: SpanReceiver | None = None
    sampling: Sampling | None = None
    labels: list[Label] = []
