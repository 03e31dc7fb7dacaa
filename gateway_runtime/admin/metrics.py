"""The gateway's counters in the form Prometheus reads: one exposition for all workers."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from gateway_runtime import VERSION
from gateway_runtime.admin.view import GatewayView
from gateway_runtime.schema.histogram import bounds
from gateway_runtime.state.breaker import BreakerState
from gateway_runtime.telemetry.outputs import runtime_log
from gateway_runtime.telemetry.totals import Sums, merge

# Seconds, as OpenTelemetry recommends for HTTP.
BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PLACE = ("api", "instance", "route")


class GatewayCollector(Collector):
    """Builds the families when asked. Labels are names of the configuration, never parts of a request."""

    def __init__(self, gateway: GatewayView) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        yield from self._traffic()
        yield from self._configuration()
        yield from self._health()

    def _traffic(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "portico_http_requests", "Finished requests.", labels=(*PLACE, "code", "policy", "source")
        )
        refusals = CounterMetricFamily(
            "portico_policy_rejections", "Requests ended by a policy.", labels=("api", "instance", "policy", "reason")
        )
        shadows = CounterMetricFamily(
            "portico_policy_shadow_rejections",
            "Requests that a policy in shadow mode would have ended.",
            labels=("api", "instance", "policy", "reason"),
        )
        places: defaultdict[tuple[str, ...], Sums] = defaultdict(Sums)
        refused: defaultdict[tuple[str, ...], int] = defaultdict(int)
        tried: defaultdict[tuple[str, ...], int] = defaultdict(int)
        counted: defaultdict[tuple[str, ...], int] = defaultdict(int)
        names = self._gateway.workers
        for labels, sums in self._gateway.totals.series.items():
            place = (names.api_names.get(labels.api, labels.api), labels.api, names.route_name(labels.route))
            if sums.shadowed:
                tried[(place[0], labels.api, labels.policy, labels.code)] += sums.shadowed
            if not sums.requests:
                continue
            source = "policy" if labels.policy else "gateway" if labels.code else "upstream"
            counted[(*place, str(labels.status), labels.policy, source)] += sums.requests
            if labels.policy:
                refused[(place[0], labels.api, labels.policy, labels.code)] += sums.requests
            total = places[place]
            total.requests += sums.requests
            total.bytes_in += sums.bytes_in
            total.bytes_out += sums.bytes_out
            merge(total.latency, sums.latency)
            merge(total.upstream_latency, sums.upstream_latency)
        for values, count in counted.items():
            requests.add_metric(values, count)
        for values, count in refused.items():
            refusals.add_metric(values, count)
        for values, count in tried.items():
            shadows.add_metric(values, count)
        yield requests
        yield refusals
        yield shadows
        yield from _by_place(places)

    def _configuration(self) -> Iterator[Metric]:
        running = self._gateway.client.running
        yield GaugeMetricFamily("portico_config_version", "The revision that is served.", value=running.revision)
        yield GaugeMetricFamily(
            "portico_config_last_success_timestamp_seconds", "When it was applied.", value=running.applied_at
        )
        yield CounterMetricFamily(
            "portico_config_reload_failures", "Revisions that were refused.", value=running.failures
        )

    def _load(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "portico_connections", "Open connections of callers.", labels=("worker", "state")
        )
        inflight = GaugeMetricFamily("portico_inflight_requests", "Requests being answered.", labels=("worker",))
        lag = GaugeMetricFamily(
            "portico_event_loop_lag_seconds",
            "The longest a worker's event loop was late within half a minute.",
            labels=("worker",),
        )
        for worker in self._gateway.workers.alive:
            if (load := worker.load) is not None:
                number = str(worker.number)
                connections.add_metric((number, "idle"), load.idle)
                connections.add_metric((number, "active"), load.active)
                inflight.add_metric((number,), load.active)
                lag.add_metric((number,), load.lag_seconds)
        yield from (connections, inflight, lag)

    def _storage(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "portico_shared_storage_up", "Whether the shared storage answers a worker.", labels=("worker",)
        )
        breaker = GaugeMetricFamily(
            "portico_shared_storage_breaker", "The state in which its breaker is.", labels=("worker", "state")
        )
        calls = CounterMetricFamily(
            "portico_shared_storage_calls", "Calls by end.", labels=("worker", "outcome")
        )  # fmt: skip
        limiters = GaugeMetricFamily(
            "portico_limiters", "Workers of all replicas that share limits, as a worker sees it.", labels=("worker",)
        )
        for worker in self._gateway.workers.alive:
            if (use := worker.storage) is not None:
                number = str(worker.number)
                up.add_metric((number,), int(use.state == BreakerState.CLOSED))
                for state in BreakerState:
                    breaker.add_metric((number, state), int(use.state == state))
                calls.add_metric((number, "answered"), use.answered)
                calls.add_metric((number, "unknown"), use.unknown)
                limiters.add_metric((number,), use.limiters)
        yield from (up, breaker, calls, limiters)

    def _access(self) -> Iterator[Metric]:
        lines = CounterMetricFamily(
            "portico_access_log_lines", "Lines about requests by what became of them.", labels=("worker", "outcome")
        )
        for worker in self._gateway.workers.alive:
            for outcome, count in zip(("written", "dropped"), worker.access, strict=True):
                lines.add_metric((str(worker.number), outcome), count)
        yield lines
        lost = CounterMetricFamily(
            "portico_log_lines_dropped", "Lines of the gateway's own log that no output took.", labels=("process",)
        )
        lost.add_metric(("supervisor",), runtime_log.dropped)
        for worker in self._gateway.workers.alive:
            lost.add_metric((f"worker {worker.number}",), worker.log_dropped)
        yield lost

    def _targets(self) -> Iterator[Metric]:
        healthy: dict[tuple[str, str, str], int] = {}
        for worker in self._gateway.workers.alive:
            for each in worker.targets:
                place = (each.name, each.service, each.target)
                # Passed over by one worker is passed over.
                healthy[place] = min(healthy.get(place, 1), int(each.state == "healthy"))
        family = GaugeMetricFamily(
            "portico_upstream_healthy",
            "Whether every worker sends requests to a target.",
            labels=("upstream", "service", "target"),
        )
        for place, value in healthy.items():
            family.add_metric(place, value)
        yield family

    def _health(self) -> Iterator[Metric]:
        gateway, spool = self._gateway, self._gateway.spool
        if gateway.redis_up is not None:
            yield GaugeMetricFamily("portico_redis_up", "Whether Redis answers.", value=int(gateway.redis_up))
        yield GaugeMetricFamily("portico_workers", "Worker processes that serve.", value=len(gateway.workers.alive))
        yield CounterMetricFamily("portico_worker_restarts", "Workers replaced.", value=gateway.workers.restarts)
        yield from self._load()
        yield from self._storage()
        yield from self._access()
        yield from self._targets()
        if spool is not None:
            yield CounterMetricFamily("portico_events_exported", "Counted requests stored.", value=spool.exported)
            yield CounterMetricFamily("portico_events_dropped", "Counted requests given up.", value=spool.dropped)
            yield GaugeMetricFamily("portico_events_waiting", "Counted requests not stored yet.", value=spool.waiting)
        if (lost := gateway.traces_dropped) is not None:
            yield CounterMetricFamily("portico_traces_dropped", "Traces and refusals given up.", value=lost)
        yield CounterMetricFamily("portico_spans_exported", "Spans that were taken.", value=gateway.spans.exported)
        yield CounterMetricFamily("portico_spans_dropped", "Spans given up.", value=gateway.spans.dropped)
        yield CounterMetricFamily(
            "portico_metrics_folded", "Requests without a series of their own.", value=gateway.totals.folded
        )
        handshakes = CounterMetricFamily("portico_tls_handshakes", "TLS handshakes by end.", labels=("outcome",))
        for outcome, count in sorted(gateway.totals.handshakes.items()):
            handshakes.add_metric((outcome,), count)
        yield handshakes
        turned_away = CounterMetricFamily(
            "portico_connections_refused", "Connections closed before they were served.", labels=("reason",)
        )
        for reason, count in sorted(gateway.totals.turned_away.items()):
            turned_away.add_metric((reason,), count)
        yield turned_away
        build = GaugeMetricFamily("portico_build_info", "The version that runs.", labels=("version",))
        build.add_metric((VERSION,), 1)
        yield build


def _by_place(places: dict[tuple[str, ...], Sums]) -> Iterator[Metric]:
    whole = HistogramMetricFamily(
        "portico_http_request_duration_seconds", "From the request's first byte to the answer's last.", labels=PLACE
    )
    upstream = HistogramMetricFamily(
        "portico_upstream_duration_seconds", "The part of it spent waiting for the backend.", labels=PLACE
    )
    received = SummaryMetricFamily("portico_http_request_size_bytes", "Bytes of requests.", labels=PLACE)
    sent = SummaryMetricFamily("portico_http_response_size_bytes", "Bytes of responses.", labels=PLACE)
    for place, sums in places.items():
        for family, counts in ((whole, sums.latency), (upstream, sums.upstream_latency)):
            if counts:
                buckets, total = cumulative(counts)
                family.add_metric(place, buckets, total)
        received.add_metric(place, sums.requests, sums.bytes_in)
        sent.add_metric(place, sums.requests, sums.bytes_out)
    yield from (whole, upstream, received, sent)


def cumulative(counts: dict[int, int]) -> tuple[list[tuple[str, float]], float]:
    """Return the buckets Prometheus expects, and the sum in seconds (each duration taken as its bucket's middle)."""
    total = 0.0
    tops: list[tuple[float, int]] = []
    for index, count in sorted(counts.items()):
        low, high = bounds(index)
        total += count * (low + high) / 2 / 1e6
        tops.append((high / 1e6, count))
    buckets: list[tuple[str, float]] = [
        (str(boundary), sum(count for top, count in tops if top <= boundary)) for boundary in BOUNDARIES
    ]
    return [*buckets, ("+Inf", sum(counts.values()))], total
