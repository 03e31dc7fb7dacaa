"""From an output of a document to what delivers its lines."""

from __future__ import annotations

from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.telemetry.delivery import Delivery, Descriptor
from gateway_runtime.telemetry.log_file import LogFile


def delivery_of(output: LogOutput) -> Delivery:
    """Return what delivers to an output of a document that has been checked."""
    if output.type == "stdout":
        return Descriptor()
    if output.type == "file":
        return LogFile(output.path, mkdir=output.mkdir)
    # Most gateways have none of these.
    from gateway_runtime.telemetry.log_socket import DatagramDelivery, StreamDelivery, as_it_is

    collector = output.collector
    assert collector is not None
    if collector.http is not None:
        from gateway_runtime.telemetry.log_http import HttpDelivery

        return HttpDelivery(collector)
    if collector.tag:
        from gateway_runtime.telemetry.log_forward import ForwardDelivery

        return ForwardDelivery(collector)
    wrap = as_it_is
    if collector.syslog is not None:
        from gateway_runtime.telemetry.log_syslog import Syslog

        wrap = Syslog(collector.syslog, stream=not collector.datagrams).wrap
    return (DatagramDelivery if collector.datagrams else StreamDelivery)(collector, wrap)
