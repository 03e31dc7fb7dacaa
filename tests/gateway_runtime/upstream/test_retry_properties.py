"""Whatever services do, and however often: nothing is sent twice that may not be, and every caller gets one answer."""

import asyncio
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_runtime.schema.document import Outliers, Retries, Service, Target
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from gateway_runtime.upstream.pool import Pool
from tests.gateway_runtime.fakes import OK, FakeGateway, FakeUpstream, get

ATTEMPTS = 3
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
BAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad"
# What a service does with a connection: it refuses it, or answers so much and breaks it.
DEEDS = st.sampled_from(
    [None, b"", OK, BAD, BAD[:-1], CUT, OK[:20], b"NOT HTTP\r\n\r\n", b"HTTP/1.1 103 X\r\n\r\n" + OK]
)
IDEMPOTENT = {"GET", "PUT", "DELETE"}


async def play(method: str, body: bytes, deeds: list[bytes | None], idle: bool, retries: Retries | None) -> Any:
    targets = [Target(host=f"10.0.0.{number}", port=9000) for number in range(2)]
    gateway = FakeGateway(service=Service(id="s", name="s", targets=targets, retries=retries, outliers=Outliers()))
    upstreams = [gateway.upstream(0), gateway.upstream(1)] if idle else []
    left = iter(deeds)

    async def open(pool: Pool, target: Any) -> Any:
        deed = next(left, OK)
        if deed is None:
            raise UpstreamError(REFUSED)
        made = FakeUpstream(pool, pool.targets.index(target), idle=False)
        made.deed = deed  # type: ignore[attr-defined]
        upstreams.append(made)
        return made.connection

    Pool.open, before = open, Pool.open  # type: ignore[method-assign,assignment]
    try:
        client = gateway.client()
        lines = [f"Content-Length: {len(body)}"] if body else []
        client.send(get("/api/x", *lines, method=method) + body)
        answered: set[int] = set()
        for _ in range(3 * ATTEMPTS + 3):
            for _ in range(8):
                await asyncio.sleep(0)
            for place, upstream in enumerate(upstreams):
                if place not in answered and upstream.transport.written:
                    answered.add(place)
                    upstream.answer(getattr(upstream, "deed", None) or b"")
                    if not upstream.transport.closed:
                        upstream.go(ConnectionResetError())
        sent = sum(bytes(upstream.transport.written).count(b" /x HTTP/1.1") for upstream in upstreams)
        return client, sent, gateway
    finally:
        Pool.open = before  # type: ignore[method-assign]


@settings(deadline=None, max_examples=300)
@given(
    method=st.sampled_from(["GET", "PUT", "DELETE", "POST", "PATCH"]),
    body=st.sampled_from([b"", b"ab"]),
    deeds=st.lists(DEEDS, max_size=6),
    idle=st.booleans(),
    retries=st.sampled_from([None, Retries(attempts=ATTEMPTS), Retries(attempts=ATTEMPTS, statuses=(503,)),
                             Retries(enabled=False)]),
)  # fmt: skip
def test_nothing_is_sent_twice_that_may_not_be(
    method: str, body: bytes, deeds: list[bytes | None], idle: bool, retries: Retries | None
) -> None:
    client, sent, gateway = asyncio.run(play(method, body, deeds, idle, retries))
    may_repeat = method in IDEMPOTENT and not body and (retries is None or retries.enabled)
    # Without settings, only a kept connection that was closed is replaced.
    assert sent <= (1 if not may_repeat else 2 if retries is None else ATTEMPTS)
    assert client.connection.exchange is None, "the caller still waits"
    answer = bytes(client.transport.written)
    finals = [status for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer) if status >= b"200"]
    assert len(finals) == 1, answer
    assert len(gateway.recorded.rows) == 1
    assert gateway.pool.active == 0
