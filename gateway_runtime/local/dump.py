"""The effective configuration as JSON: what the files mean, with generated names, defaults and order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway_runtime.local.extensions import Extensions
from gateway_runtime.local.faults import FilesRefused
from gateway_runtime.local.kinds import ROUTER_ORDER, Kind, PolicyBinding
from gateway_runtime.local.listener_tls import TLS
from gateway_runtime.local.loading import Loaded, load
from gateway_runtime.local.masking import MASK
from gateway_runtime.local.policies import plain_name
from gateway_runtime.local.resources import Resource
from gateway_runtime.local.routes import ROUTES
from gateway_runtime.local.service_policies import SERVICE_POLICIES, TLS_OUTBOUND
from gateway_runtime.policies.registry import SUFFIX, all_definitions, definition
from gateway_runtime.policies.shaping import shaped
from gateway_runtime.schema.document import ForwardProxy
from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.part import Part

# One file of `--output-directory` each.
FILES = {
    "apiInstances": "api-instances.json",
    "services": "services.json",
    "configuration": "configuration.json",
    "extensions": "extensions.json",
    "clientApplications": "client-applications.json",
    "slaTiers": "sla-tiers.json",
}
REFUSED, USAGE_ERROR = 1, 2


def effective(loaded: Loaded) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of a dump. Secrets are masked, and what came from a variable is shown as that."""
    apis = {api.id: api for api in loaded.document.apis}
    timeouts = loaded.document.timeouts
    installed = Extensions(())
    of_kind = {kind: [r for r in loaded.resources if r.kind is kind] for kind in Kind}
    return {
        "apiInstances": [
            {
                **_envelope(api, {"address": api.spec.address}),
                "listener": apis[api.id].listener,
                "basePath": apis[api.id].base_path or "/",
                "limits": _written(shaped(apis[api.id], apis[api.id].policies).limits),
                "policies": [*(_binding(each) for each in loaded.bindings.get(api.id, [])), _router()],
            }
            for api in of_kind[Kind.API_INSTANCE]
        ],
        "services": [
            {
                **_envelope(each, _service(each)),
                "policies": [_binding(bound) for bound in loaded.bindings.get(f"{Kind.SERVICE} {each.id}", [])],
            }
            for each in of_kind[Kind.SERVICE]
        ],
        "configuration": [
            {
                "timeouts": {
                    "streamIdleSeconds": timeouts.stream_idle_seconds,
                    "upstreamConnectionIdleSeconds": timeouts.upstream_connection_idle_seconds,
                    "upstreamResponseSeconds": timeouts.upstream_response_seconds,
                },
                "limits": _written(loaded.document.limits),
                "trustedProxies": _written(loaded.document.trusted_proxies),
                "proxyProtocol": any(listener.proxy_protocol for listener in loaded.document.listeners),
                "probe": None if loaded.document.probe is None else _written(loaded.document.probe),
                "runtimeLogOutputs": [_output(each) for each in loaded.document.runtime_log_outputs],
                "accessLogOutputs": [_output(each) for each in loaded.document.access_log_outputs],
                "logLevel": loaded.document.log_level,
                "forwardProxy": _proxy(loaded.document.forward_proxy),
                "resources": [_envelope(each, None) for each in of_kind[Kind.CONFIGURATION]],
            }
        ],
        "extensions": [
            *({"name": f"{each.name}{SUFFIX}", "title": each.title, "supported": True} for each in all_definitions()),
            *({"name": name, "title": "Traffic management", "supported": True} for name in sorted(ROUTES)),
            {"name": TLS, "title": "TLS for callers", "supported": True},
            {"name": TLS_OUTBOUND, "title": "TLS for services", "supported": True},
            *(
                {"name": each.name, "namespace": each.namespace, "supported": installed.is_installed(each.name)}
                for each in of_kind[Kind.EXTENSION]
            ),
        ],
        # Their secrets were masked as they were read.
        "clientApplications": [_envelope(each, {**each.written}) for each in of_kind[Kind.CLIENT_APPLICATION]],
        "slaTiers": [_envelope(each, {**each.written}) for each in of_kind[Kind.SLA_TIER]],
    }


def _written(limits: Part) -> dict[str, Any]:
    """Return settings, defaults included, in the names that files have for them."""
    given = ((name.split("_"), value) for name, value in msgspec.structs.asdict(limits).items())
    return {first + "".join(word.title() for word in rest): value for (first, *rest), value in given}


def _service(resource: Resource) -> dict[str, Any]:
    """Return what is written of a service: what a variable gives is shown as that."""
    return {
        **{key: value for key, value in resource.written.items() if key != "routes"},
        "address": resource.spec.address,
    }


def _proxy(proxy: ForwardProxy | None) -> dict[str, Any] | None:
    """Return the address that services are reached through. Credentials are not shown at all."""
    return None if proxy is None else {"address": proxy.address, "noProxy": proxy.no_proxy}


def _output(output: LogOutput) -> dict[str, Any]:
    """Return where lines go. Credentials are not shown at all."""
    collector = output.collector
    if collector is None:
        return {"type": output.type, "path": output.path, "mkdir": output.mkdir}
    shown = {"type": output.type, "host": collector.host, "port": collector.port, "tls": collector.tls is not None}
    if collector.http is not None:
        shown |= {"uri": collector.http.uri, "proxy": collector.http.proxy or None}
    return shown


def _envelope(resource: Resource, spec: dict[str, Any] | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(resource),
        "source": {"file": resource.place.file, "line": resource.place.line},
    }
    return shown if spec is None else shown | {"spec": spec}


def _metadata(resource: Resource) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": resource.name, "namespace": resource.namespace}
    if resource.labels:
        shown["labels"] = dict(resource.labels)
    if resource.owner:
        shown["generatedFor"] = resource.owner
    return shown


def _binding(resource: Resource) -> dict[str, Any]:
    spec: PolicyBinding = resource.spec
    written = spec.config or {}
    if spec.policy_ref.name not in ROUTES:
        written = resource.written.get("config") or {}
        for name in _secret_settings(spec.policy_ref.name):
            if name in written:
                written = {**written, name: MASK}
    rules = [msgspec.to_builtins(rule) | {"headers": rule.headers or {}} for rule in spec.rules or ()]
    return {
        "metadata": _metadata(resource),
        "policyRef": {"name": spec.policy_ref.name},
        "order": spec.order,
        "rules": rules,
        "mode": Mode.OFF if spec.mode is False else spec.mode or Mode.ENFORCE,
        "config": written,
        "source": {"file": resource.place.file, "line": resource.place.line},
    }


def _secret_settings(policy: str) -> tuple[str, ...]:
    if plain_name(policy) in SERVICE_POLICIES | {TLS}:
        return ("certificate",)
    return definition(policy).secret_settings()


def _router() -> dict[str, Any]:
    """Return the end of every chain: what forwards the request."""
    return {"metadata": {"name": "router"}, "policyRef": {"name": "envoy.filters.http.router"}, "order": ROUTER_ORDER}


def encode(content: Any) -> bytes:
    """Return indented JSON with a line end."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def dump_main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `dump`: JSON on standard output, or every fault on standard error and status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway_runtime dump",
        description="Show the effective configuration of local mode, or what is wrong with it.",
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="PATH", required=True, help="folder or file of declarative configuration")
    parser.add_argument("--output-directory", metavar="DIR", help="write one file for each part instead")
    given = parser.parse_args(arguments)
    try:
        loaded = load(Path(given.config), environment)
    except FilesRefused as refused:
        _say(str(fault) for fault in refused.faults)
        return REFUSED
    _say(f"{note} (note)" for note in loaded.notes)
    parts = effective(loaded)
    if given.output_directory is None:
        sys.stdout.write(encode(parts).decode())
        return 0
    return _write(parts, Path(given.output_directory))


def _write(parts: Mapping[str, Any], folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part, name in FILES.items():
            (folder / name).write_bytes(encode(parts[part]))
    except OSError as error:
        _say([f"{folder} cannot be written: {error.strerror}."])
        return USAGE_ERROR
    return 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
