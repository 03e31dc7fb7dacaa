"""What the admin listener shows: alive, ready, metrics, revision, health of targets."""

from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from gateway_runtime.admin.metrics import GatewayCollector
from gateway_runtime.admin.server import Page
from gateway_runtime.admin.view import GatewayView
from gateway_runtime.notices import merged
from gateway_runtime.schema.replica import ApplyState


class AdminPages:
    """Answers by path from the state of a gateway."""

    def __init__(self, gateway: GatewayView) -> None:
        self._gateway = gateway
        self._ready_once = False
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(GatewayCollector(gateway))
        self._pages = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/revision": self._revision,
            "/upstreams": self._upstreams,
            "/notices": self._notices,
        }

    def page(self, path: str) -> Page:
        """Return the answer for a path."""
        page = self._pages.get(path)
        return page() if page is not None else _json(404, {"code": "not_found", "pages": sorted(self._pages)})

    def _livez(self) -> Page:
        return _json(200, {"status": "alive"})

    def _readyz(self) -> Page:
        reason = self._not_ready()
        if reason is not None:
            return _json(503, {"status": "not ready", "code": reason[0], "reason": reason[1]})
        running = self._gateway.client.running
        if running.state is not ApplyState.REJECTED:
            return _json(200, {"status": "ready"})
        # Still ready: what was good before is served. But whoever has just changed something should see this.
        refused = {"code": running.error_code, "path": running.error_path, "reason": running.message}
        return _json(200, {"status": "ready", "revision": running.revision, "refused": refused})

    def _not_ready(self) -> tuple[str, str] | None:
        """Return why traffic should not be sent here.

        Once ready, a gateway stays ready through later revisions and worker restarts, as long as somebody serves.
        """
        gateway = self._gateway
        if gateway.workers.leaving:
            # The successor serves at the same address, whoever of the two is asked.
            return None
        if gateway.stopping:
            return "draining", "The gateway is shutting down."
        alive = gateway.workers.alive
        if not alive:
            return "no_workers", "No worker process is running."
        if self._ready_once:
            return None
        running = gateway.client.running
        if not running.revision:
            return "no_revision", running.message or "No revision has been applied yet."
        if any(worker.revision != running.revision for worker in alive):
            return "workers_behind", f"Not every worker has applied revision {running.revision} yet."
        if not gateway.workers.api_names:
            return "no_api", "No API is deployed on this gateway yet."
        self._ready_once = True
        return None

    def _metrics(self) -> Page:
        return Page(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry))

    def _revision(self) -> Page:
        gateway, running = self._gateway, self._gateway.client.running
        return _json(
            200,
            {
                "gateway": gateway.name,
                "replica": gateway.replica,
                "revision": running.revision,
                "digest": running.digest,
                "state": running.state,
                "applied_at": running.applied_at,
                "error_code": running.error_code,
                "error_path": running.error_path,
                "message": running.message,
                "workers": [
                    {"number": w.number, "pid": w.process.pid, "revision": w.revision} for w in gateway.workers.alive
                ],
            },
        )

    def _notices(self) -> Page:
        """Show what policies have to say."""
        workers = self._gateway.workers
        found = [
            {"api": each.api, "name": workers.api_names.get(each.api, ""), "binding": each.binding,
             "policy": each.policy, "good": each.good, "text": each.text, "since": each.since}
            for each in merged(worker.notices for worker in workers.alive)
        ]  # fmt: skip
        return _json(200, {"notices": found})

    def _upstreams(self) -> Page:
        """Show every target that somebody keeps an eye on, and what each worker thinks of it."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        for worker in self._gateway.workers.alive:
            for each in worker.targets:
                found.setdefault((each.service, each.name, each.target), {})[str(worker.number)] = each.state
        return _json(
            200,
            {
                "targets": [
                    {"service": service, "name": name, "target": target, "workers": states}
                    for (service, name, target), states in sorted(found.items())
                ]
            },
        )


def _json(status: int, content: dict[str, Any]) -> Page:
    return Page(status, "application/json", msgspec.json.encode(content) + b"\n")
