"""One coarse timer for all connections of a worker: a deadline is an attribute, not a timer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway_runtime.http.state import WorkerState

SWEEP_SECONDS = 0.5


def sweep(state: WorkerState) -> None:
    """Turn the worker's coarse clock and end what has waited too long."""
    state.turn()
    now = state.now
    for connection in [c for c in state.connections if c.deadline <= now]:
        connection.expire()
    state.cut_late()
    state.pools.sweep(now)


async def sweep_forever(state: WorkerState) -> None:
    """Sweep until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        sweep(state)
