"""How one knows that a process is ready. A probe is asked again and again until it says yes."""

import asyncio
from collections.abc import Callable

from portal.cli.up.program import Output, Probe

TIMEOUT_S = 2.0


def port_accepts(host: str, port: int) -> Probe:
    """Ready when the port takes connections."""

    async def probe(_: Output) -> bool:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                _reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    return probe


def http_answers(
    host: str, port: int, path: str, accepts: Callable[[int], bool] = lambda status: status == 200
) -> Probe:
    """Ready when a GET is answered with a status that is accepted."""

    async def probe(_: Output) -> bool:
        status = await http_status(host, port, path)
        return status is not None and accepts(status)

    return probe


async def http_status(host: str, port: int, path: str) -> int | None:
    """Return the status of one GET, or None when there is no HTTP answer."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                name = f"[{host}]" if ":" in host else host
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: portico-up\r\n"
                    "Accept: */*\r\nConnection: close\r\n\r\n".encode()
                )
                version, status, *_ = (await reader.readline()).decode("latin-1").split(None, 2)
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return None
    return int(status) if version.startswith("HTTP/1.") and status.isdigit() else None


def log_says(text: str) -> Probe:
    """Ready when the process has written this text."""

    async def probe(output: Output) -> bool:
        return output.has_said(text)

    return probe
