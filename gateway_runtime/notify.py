"""Telling systemd how this process is: readiness, reloads, the end, and that it still turns."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping

SEND_SECONDS = 0.2
STATUS_SECONDS = 5.0


def notify(*states: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send states such as `READY=1`. Return whether somebody took them; nobody listening is no error."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(SEND_SECONDS)
            # A name that begins with @ is an abstract one, which the kernel knows by a leading zero byte.
            sender.connect("\0" + path[1:] if path.startswith("@") else path)
            sender.sendall("\n".join(states).encode())
    except (OSError, ValueError):
        return False
    return True


def notify_reloading() -> None:
    """Say that a reload has begun; `READY=1` ends it, from whichever process is the main one by then."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog_seconds(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return how often to send `WATCHDOG=1`: twice in the time allowed. None when nobody watches this process."""
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or not int(usec) or pid not in ("", str(os.getpid())):
        return None
    return int(usec) / 2_000_000


async def keep_notified(summary: Callable[[], str]) -> None:
    """Send signs of life to whoever watches, and the status line when it has changed, until cancelled."""
    watched, said = watchdog_seconds(), ""
    while True:
        text = summary()
        states = [*(["WATCHDOG=1"] if watched else []), *([f"STATUS={text}"] if text != said else [])]
        if states and notify(*states):
            said = text
        await asyncio.sleep(min(watched or STATUS_SECONDS, STATUS_SECONDS))
