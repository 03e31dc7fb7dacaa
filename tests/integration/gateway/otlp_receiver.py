"""A receiver of OTLP, over HTTP and over gRPC: it prints its two ports, then each span it gets as a line of JSON.

Run as a program of its own: `python otlp_receiver.py [STATUS …]`, where the first requests over HTTP are answered with
the statuses that are given.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

STATUSES = [int(each) for each in sys.argv[1:]]


def value(of: Any) -> Any:
    """Return an attribute's value."""
    return getattr(of, of.WhichOneof("value"))


def attributes(pairs: Any) -> dict[str, Any]:
    """Return attributes by name."""
    return {pair.key: value(pair.value) for pair in pairs}


def show(request: ExportTraceServiceRequest, headers: dict[str, str]) -> None:
    """Print the spans of one request."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                line = {
                    "resource": attributes(resource.resource.attributes),
                    "scope": scope.scope.name,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "kind": span.kind,
                    "name": span.name,
                    "took_ns": span.end_time_unix_nano - span.start_time_unix_nano,
                    "start": span.start_time_unix_nano,
                    "attributes": attributes(span.attributes),
                    "error": span.status.code == 2,
                    "flags": span.flags,
                    "headers": headers,
                }
                print(json.dumps(line), flush=True)


class Http(BaseHTTPRequestHandler):
    """Takes POST /v1/traces."""

    def do_POST(self) -> None:
        """Read one request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        status = STATUSES.pop(0) if STATUSES else 200
        if self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
            status = 404
        if status == 200:
            show(ExportTraceServiceRequest.FromString(body), {k.lower(): v for k, v in self.headers.items()})
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


class Rpc(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes Export."""

    def Export(self, request: Any, context: Any) -> Any:
        """Read one request."""
        show(request, dict(context.invocation_metadata()))
        return ExportTraceServiceResponse()


def main() -> None:
    """Serve until the process is ended."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    rpc = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Rpc(), rpc)
    port = rpc.add_insecure_port("127.0.0.1:0")
    rpc.start()
    print(json.dumps([http.server_address[1], port]), flush=True)
    http.serve_forever()


if __name__ == "__main__":
    main()
