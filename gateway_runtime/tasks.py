"""Background tasks: the only place that makes them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from gateway_runtime.log import log

CANCEL_AGAIN_SECONDS = 2.0

# The event loop keeps only weak references to tasks; a task nobody holds could vanish in the middle.
_running: set[asyncio.Task[Any]] = set()


def spawn(name: str, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start a named task that is kept until it ends and whose failure is logged."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task_failed", task=task.get_name(), error=error)


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended, whatever their result."""
    present = {task for task in tasks if task is not None}
    while present:
        for task in present:
            task.cancel()
        # A library may take a cancellation in the middle of connecting for a time-out of its own, so it is repeated.
        _, present = await asyncio.wait(present, timeout=CANCEL_AGAIN_SECONDS)
