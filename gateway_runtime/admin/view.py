"""What the admin pages see of the running gateway."""

from typing import Protocol

from gateway_runtime.configuration.client import ConfigurationClient
from gateway_runtime.telemetry.span_export import SpanExport
from gateway_runtime.telemetry.spool import Spool
from gateway_runtime.telemetry.totals import Totals
from gateway_runtime.workers import WorkerPool


class GatewayView(Protocol):
    """The parts of the supervisor that are shown. Read only."""

    name: str
    replica: str
    stopping: bool
    client: ConfigurationClient
    workers: WorkerPool
    spans: SpanExport

    @property
    def traces_dropped(self) -> int | None:
        """Return how many traces were given up; None where nobody takes any."""

    @property
    def totals(self) -> Totals:
        """Return everything counted so far."""

    @property
    def spool(self) -> Spool | None:
        """Return what is counted and not yet sent on; None where nothing is."""

    @property
    def redis_up(self) -> bool | None:
        """Tell whether the last attempt to reach Redis succeeded; None where there is none."""
