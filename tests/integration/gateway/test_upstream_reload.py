"""What a new revision leaves behind: connections that were being made when their service went."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from gateway_runtime.http2.pool import Http2Pool
from gateway_runtime.schema.document import Service, Target
from gateway_runtime.tasks import cancel, spawn
from gateway_runtime.upstream.registry import PoolRegistry
from tests.integration.gateway.upstreams import LOOPS, serving

pytestmark = pytest.mark.integration

# An empty SETTINGS frame: whoever sends it speaks HTTP/2.
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("loop", [*LOOPS])
@pytest.mark.parametrize("wanted", [True, False], ids=["wanted", "not wanted any more"])
def test_a_connection_of_http2_that_comes_too_late_is_closed(loop: str, wanted: bool) -> None:
    async def scenario() -> None:
        accepted, settings, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.set()
            await settings.wait()
            writer.write(SETTINGS)
            while await reader.read(65_536):
                pass
            gone.set()

        registry = PoolRegistry(kinds={"http2": Http2Pool})
        registry.allow_private = True
        async with serving(behave) as port:
            pool = registry.get(
                Service(id="s", name="s", protocol="http2", targets=[Target(host="127.0.0.1", port=port)])
            )
            registry.retain({pool})
            target = pool.choose()
            asking: Any = spawn("ask", pool.connect(target))
            await accepted.wait()
            # The next revision has no such service.
            registry.retain(())
            if not wanted:
                await cancel(asking)
            settings.set()
            if wanted:
                stream = await asking
                stream.target.release(stream)
            with suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await gone.wait()
            assert gone.is_set()
            assert target.open == 0

    LOOPS[loop](scenario())
