"""The outputs of a document, as the lines of one process go there. Those that stay the same go on as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from gateway_runtime.log import Log, log
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.tasks import spawn
from gateway_runtime.telemetry.access_sink import AccessSink
from gateway_runtime.telemetry.deliveries import delivery_of
from gateway_runtime.telemetry.delivery import Delivery
from gateway_runtime.telemetry.log_sink import LogSink

STANDARD_OUTPUT = LogOutput(type="stdout")


class _Sink(Protocol):
    @property
    def dropped(self) -> int:
        """Return how many lines were not written."""


Sink = TypeVar("Sink", bound=_Sink)


class _Outputs(Generic[Sink]):
    """Sinks by the output they are for."""

    def __init__(self, make: Callable[[Delivery], Sink]) -> None:
        self._make = make
        self._sinks: dict[LogOutput, Sink] = {}

    def exchange(self, outputs: Sequence[LogOutput]) -> list[Sink]:
        """Have these outputs, and return what was for others."""
        before = self._sinks
        self._sinks = {each: before.pop(each, None) or self._make(delivery_of(each)) for each in dict.fromkeys(outputs)}
        return list(before.values())

    @property
    def all(self) -> tuple[Sink, ...]:
        """Return what the lines go to."""
        return tuple(self._sinks.values())


class AccessOutputs:
    """Where access lines go: standard output, unless a document names other places."""

    def __init__(self) -> None:
        self._outputs = _Outputs(AccessSink)
        self._outputs.exchange([STANDARD_OUTPUT])
        self._sinks = self._outputs.all
        # Those that still write what they were given.
        self._closing: list[AccessSink] = []
        self._written = self._dropped = 0

    @property
    def written(self) -> int:
        """Return how many lines were written, at every place they go to."""
        return self._written + sum(sink.written for sink in (*self._sinks, *self._closing))

    @property
    def dropped(self) -> int:
        """Return how many lines were not."""
        return self._dropped + sum(sink.dropped for sink in (*self._sinks, *self._closing))

    def add(self, line: bytes) -> None:
        """Take a line with its end."""
        for sink in self._sinks:
            sink.add(line)

    def use(self, outputs: Sequence[LogOutput]) -> None:
        """Write to these places from now on."""
        gone = self._outputs.exchange(outputs or [STANDARD_OUTPUT])
        self._sinks = self._outputs.all
        self._closing += gone
        for sink in gone:
            spawn("access-log-close", self._finish(sink))

    async def _finish(self, sink: AccessSink) -> None:
        await sink.close()
        self._closing.remove(sink)
        self._written += sink.written
        self._dropped += sink.dropped

    async def close(self) -> None:
        """Write what is left, if that does not take long."""
        for sink in self._sinks:
            await sink.close()


class RuntimeOutputs:
    """Where a log goes: standard error, unless a document names other places."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._outputs = _Outputs(LogSink)
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Return how many lines were not written."""
        return self._dropped + sum(sink.dropped for sink in self._outputs.all)

    def use(self, outputs: Sequence[LogOutput]) -> None:
        """Write to these places from now on."""
        gone = self._outputs.exchange(outputs)
        self._log.sinks = self._outputs.all
        for sink in gone:
            sink.close()
            self._dropped += sink.dropped


# The log of this process.
runtime_log = RuntimeOutputs(log)


def check_outputs(outputs: Sequence[LogOutput], path: str) -> None:
    """Raise `ConfigFault` for an output that could never take a line."""
    for index, output in enumerate(outputs):
        here = f"{path}[{index}]"
        if output.type == "file" and not output.path.startswith("/"):
            raise ConfigFault(f"{here}.path", "invalid_value", "A log file needs a path that begins with “/”.")
        if output.type not in ("file", "stdout") and output.collector is None:
            text = f"An output of the type “{output.type}” needs a collector."
            raise ConfigFault(f"{here}.collector", "required", text)
