"""`portico why`: what happened to one request, asked of a portal over its REST interface."""

from itertools import islice
from typing import Any

import httpx2

from portal.cli.portal_client import PortalClient

MOST_TRACES = 10
OUTCOMES = {
    "continued": "went on", "refused": "refused", "answered": "answered itself", "failed": "failed",
    "would_refuse": "would have refused", "not_bound": "not for this request", "needs_body": "asked for the body",
}  # fmt: skip


def traces_fetch(
    *, portal: str, token: str, request_id: str, transport: httpx2.BaseTransport | None = None
) -> list[dict[str, Any]]:
    """Return the traces of a request, the fullest first. Raises `PortalError`."""
    with PortalClient(portal=portal, token=token, transport=transport) as client:
        rows = islice(client.every("/api/v1/traces/", request_id=request_id), MOST_TRACES)
        traces = [client.get(f"/api/v1/traces/{each['id']}/") for each in rows]
    return sorted(traces, key=lambda trace: not trace["steps"])


def trace_lines(trace: dict[str, Any]) -> list[str]:
    """Return a trace as people read it in a terminal."""
    took = f", {_ms(trace['duration_us'])}" if trace["duration_us"] else ""
    lines = [f"{trace['method']} {trace['path']}".strip() or "(no request)", f"  status     {trace['status']}{took}"]
    if trace["code"]:
        by = f" by {trace['policy']}" if trace["policy"] else " by the gateway"
        lines.append(f"  reason     {trace['code']}{by}")
        if trace["reason"]:
            lines.append(f"             {trace['reason']}")
    for name, key in (("route", "route_name"), ("caller", "application_name"), ("client", "client")):
        if trace[key]:
            lines.append(f"  {name:<10} {trace[key]}")
    lines.append(f"  revision   {trace['revision']} on replica {trace['replica_id']}")
    lines.append(f"  at         {trace['at']}")
    if trace["steps"]:
        lines.append("  policies")
        for step in trace["steps"]:
            where = " (answer)" if step["phase"].startswith("response") else ""
            said = OUTCOMES.get(step["outcome"], step["outcome"])
            code = f" {step['code']}" if step["code"] else ""
            lines.append(f"    {step['policy'] + where:<40} {said}{code}, {_ms(step['took_us'])}")
    for attempt in trace["attempts"]:
        lines.append(
            f"  service    {attempt['target']} {attempt['status'] or attempt['code']}, {_ms(attempt['took_us'])}"
        )
    if not trace["steps"] and trace["kind"] == "refusal":
        lines.append("  It was refused without being traced, so its steps are not known.")
    return lines


def _ms(micros: int) -> str:
    return f"{micros / 1000:.3f} ms"
