"""The Configuration resources together: what this gateway can do is taken, the rest is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import convert
from msgspec.structs import asdict, replace

from gateway_runtime.configuration.limits import LONGEST_SECONDS, check_proxies
from gateway_runtime.local.configuration_kind import (
    AccessLogs,
    Configuration,
    ForwardProxy,
    Redis,
)
from gateway_runtime.local.configuration_kind import Probe as ProbeSettings
from gateway_runtime.local.configuration_kind import Tracing as TracingSettings
from gateway_runtime.local.faults import FileFault
from gateway_runtime.local.kinds import AccessLog
from gateway_runtime.local.log_outputs import LogOutputs
from gateway_runtime.local.place import Place
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.service_policies import read_breaker
from gateway_runtime.local.shared_storage import read_shared_storage
from gateway_runtime.local.sharing import RESERVED_PORT, Placed
from gateway_runtime.local.tracing import read_tracing
from gateway_runtime.policies import circuit_breaker
from gateway_runtime.schema import upstream
from gateway_runtime.schema.access_log import FIELDS, unknown_field
from gateway_runtime.schema.access_log import AccessLog as AccessLogSettings
from gateway_runtime.schema.document import LogLevel
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.limits import Limits, Timeouts, TrustedProxies
from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.schema.probe import Probe
from gateway_runtime.schema.storage import SharedStorage
from gateway_runtime.schema.tracing import Tracing
from gateway_runtime.upstream.proxy import Proxy

# Where each timeout stands in a file, and the variables that give it when no file does.
_TIMEOUTS = {
    "stream_idle_seconds": ("streamIdleSeconds", ("FLEX_STREAM_IDLE_TIMEOUT_SECONDS",)),
    "upstream_connection_idle_seconds": (
        "upstreamConnectionIdleSeconds",
        ("FLEX_UPSTREAM_CONNECTION_IDLE_TIMEOUT_SECONDS", "FLEX_CONNECTION_IDLE_TIMEOUT_SECONDS"),
    ),
    "upstream_response_seconds": ("upstreamResponseSeconds", ("FLEX_UPSTREAM_RESPONSE_TIMEOUT_SECONDS",)),
}
# Documented variables that change nothing here, and why.
WITHOUT_EFFECT = {
    "FLEX_HEADER_RAW_VALUE_ENABLE": "Values of headers are always sent on as they came.",
    "FLEX_DATASOURCE_CONTROL_NODE_ENABLED": "There is no control node: files are the configuration.",
}
# Where the settings of a proxy stand in a file.
_PROXY_WRITTEN = {
    "forward_proxy.address": ("https", "address"),
    "forward_proxy.username": ("https", "basicAuth", "username"),
}


class GatewaySettings:
    """What all Configuration resources say. `faults` has what cannot be used."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._set_at: dict[str, Place] = {}
        self._timeouts: dict[str, float] = {}
        self.log_level: LogLevel | None = None
        self.shared_storage: SharedStorage | None = None
        self.access_logs = AccessLogs()
        self.circuit_breaker: upstream.CircuitBreaker | None = None
        self.forward_proxy: upstream.ForwardProxy | None = None
        self.limits = Limits()
        self.trusted_proxies = TrustedProxies()
        self.proxy_protocol = False
        self.probe: Probe | None = None
        self.tracing: Tracing | None = None
        self._probe_at: Place | None = None
        self._outputs = LogOutputs()
        self.runtime_log_outputs: list[LogOutput] = []
        self.access_log_outputs: list[LogOutput] = []
        self.faults: list[FileFault] = []
        self.notes: list[FileFault] = []

    def read(self, resources: Iterable[Resource]) -> None:
        """Take every resource."""
        for resource in resources:
            self._read(resource.spec, resource.place)
        for name, (_, variables) in _TIMEOUTS.items():
            if name not in self._timeouts:
                self._from_environment(name, variables)
        self.notes += [
            FileFault("environment", 0, name, f"{text} It is not used.", "without_effect")
            for name, text in WITHOUT_EFFECT.items()
            if self._environment.get(name)
        ]
        self.runtime_log_outputs = [self._through_proxy(each) for each in self._outputs.of("runtimeLogs")]
        self.access_log_outputs = [self._through_proxy(each) for each in self._outputs.of("accessLogs")]
        self._outputs.finish()
        self.faults += self._outputs.faults
        self.notes += self._outputs.notes

    def timeouts(self) -> Timeouts:
        """Return the timeouts for the document."""
        return Timeouts(**self._timeouts)

    def _read(self, spec: Configuration, place: Place) -> None:
        if spec.logging is not None:
            self._outputs.read(spec.logging, place.at("logging"))
        if spec.logging and spec.logging.runtime_logs and (level := spec.logging.runtime_logs.log_level):
            self._once(place.at("logging", "runtimeLogs", "logLevel"), lambda: setattr(self, "log_level", level))
        if spec.shared_storage and (redis := spec.shared_storage.redis):
            here = place.at("sharedStorage", "redis")
            self._once(here, lambda: self._share(redis, here))
        if spec.logging and (logs := spec.logging.access_logs) and logs != AccessLogs(outputs=logs.outputs):
            here = place.at("logging", "accessLogs")
            self._once(here, lambda: self._log_access(logs, here))
        for name, (written, _) in _TIMEOUTS.items():
            seconds = getattr(spec.timeouts, name, None)
            if seconds is not None:
                self._once(place.at("timeouts", written), self._timeout_setter(name, seconds))
        if (breaker := spec.circuit_breaker) is not None:
            here = place.at("circuitBreaker")
            self._once(here, lambda: self._take_breaker(breaker, here))
        if (proxy := spec.forward_proxy) is not None:
            here = place.at("forwardProxy")
            self._once(here, lambda: self._take_proxy(proxy, here))
        if spec.proxy_protocol is not None:
            self._once(place.at("proxyProtocol"), partial(setattr, self, "proxy_protocol", spec.proxy_protocol.enabled))
        if (tracing := spec.tracing) is not None:
            here = place.at("tracing")
            self._once(here, lambda: self._trace(tracing, here))
        if (probe := spec.probe) is not None:
            here = place.at("probe")
            self._once(here, lambda: self._take_probe(probe, here))
        if spec.limits is not None:
            given = {name: value for name, value in asdict(spec.limits).items() if value is not None}
            self._once(place.at("limits"), partial(setattr, self, "limits", convert(given, Limits)))
        if spec.trusted_proxies is not None:
            self._once(
                place.at("trustedProxies"),
                partial(self._trust, TrustedProxies(**asdict(spec.trusted_proxies)), place.at("trustedProxies")),
            )
        if spec.platform_connection is not None:
            message = "This gateway takes its configuration from files: the connection to a platform is not used."
            self.notes.append(place.at("platformConnection").fault(message, "without_effect"))

    def _share(self, redis: Redis, place: Place) -> None:
        try:
            self.shared_storage = read_shared_storage(redis, place)
        except FileFault as fault:
            self.faults.append(fault)

    def _log_access(self, logs: AccessLogs, place: Place) -> None:
        self.access_logs = logs
        try:
            check_hidden(logs.hide, place)
        except FileFault as fault:
            self.faults.append(fault)

    def access_log(self, own: AccessLog | None = None) -> AccessLogSettings | None:
        """Return how requests are logged: those of an instance that says so itself, or all others."""
        logs = self.access_logs
        if not (own.enabled if own is not None else logs.enabled):
            return None
        return AccessLogSettings(
            sampling=_first(own and own.sampling, logs.sampling, 1.0),
            query=_first(own and own.query, logs.query, False),
            hide=_first(own and own.hide, logs.hide, []),
        )

    def _take_probe(self, given: ProbeSettings, place: Place) -> None:
        if not given.enabled:
            return
        here = place.at("port")
        if given.port is None:
            self.faults.append(here.fault("Probes that are enabled need a port.", "required"))
        else:
            self.probe, self._probe_at = Probe(port=given.port), here

    def probe_faults(self, placed: Iterable[Placed]) -> list[FileFault]:
        """Return what is wrong with the port for probes beside those of all instances."""
        if self.probe is None or self._probe_at is None:
            return []
        port = self.probe.port
        message = f"Port {port} is reserved for the admin pages. Choose another one." if port == RESERVED_PORT else ""
        for each in placed:
            if each.address.port == port:
                message = f"Port {port} is that of {each.shown}. Probes need one of their own."
        return [self._probe_at.fault(message, "port_in_use")] if message else []

    def _take_breaker(self, given: circuit_breaker.Config, place: Place) -> None:
        self.circuit_breaker = read_breaker(given, place, self.notes)

    def _take_proxy(self, given: ForwardProxy, place: Place) -> None:
        credentials = given.https.basic_auth
        made = upstream.ForwardProxy(
            address=given.https.address,
            username=credentials.username if credentials else "",
            password=credentials.password if credentials else "",
            no_proxy=given.no_proxy or [],
        )
        try:
            Proxy(made)
        except ConfigFault as fault:
            written = _PROXY_WRITTEN.get(fault.path)
            at = (
                place.at(*written) if written else place.inside(fault.path.replace("forward_proxy.no_proxy", "noProxy"))
            )
            self.faults.append(at.fault(fault.message, fault.code))
        else:
            self.forward_proxy = made

    def _trace(self, given: TracingSettings, place: Place) -> None:
        try:
            self.tracing = read_tracing(given, place)
        except FileFault as fault:
            self.faults.append(fault)

    def _through_proxy(self, output: LogOutput) -> LogOutput:
        """Return an output as it is reached: lines that are posted go through the forward proxy."""
        collector, given = output.collector, self.forward_proxy
        if given is None or collector is None or collector.http is None:
            return output
        proxy = Proxy(given)
        if not proxy.is_for(collector.host):
            return output
        host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
        http = replace(collector.http, proxy=f"{host}:{proxy.port}", proxy_credentials=proxy.credentials.decode())
        return replace(output, collector=replace(collector, http=http))

    def _trust(self, given: TrustedProxies, place: Place) -> None:
        try:
            check_proxies(given)
        except ConfigFault as fault:
            self.faults.append(place.config_fault(fault))
        else:
            self.trusted_proxies = given

    def _timeout_setter(self, name: str, seconds: float) -> Callable[[], None]:
        return lambda: self._timeouts.update({name: seconds})

    def _once(self, place: Place, take: Callable[[], None]) -> None:
        """Take a setting that only one resource may give."""
        first = self._set_at.setdefault(place.key, place)
        if first is place:
            take()
        else:
            self.faults.append(place.fault(f"This is also set in {first.shown}. Keep one of them.", "duplicate_key"))

    def _from_environment(self, name: str, variables: Iterable[str]) -> None:
        for variable in variables:
            text = self._environment.get(variable)
            if not text:
                continue
            if text.isascii() and text.isdigit() and 0 < int(text) <= LONGEST_SECONDS:
                self._timeouts[name] = float(text)
            else:
                message = f"It must be a whole number of seconds from 1 to {LONGEST_SECONDS}, not “{text}”."
                self.faults.append(FileFault("environment", 0, variable, message))
            return


def _first(*given: Any) -> Any:
    return next(value for value in given if value is not None)


def check_hidden(hide: Iterable[str] | None, place: Place) -> None:
    """Raise `FileFault` for a field that no access line has."""
    for index, name in enumerate(hide or ()):
        if name not in FIELDS:
            raise place.at("hide", index).fault(unknown_field(name), "unknown_field")
