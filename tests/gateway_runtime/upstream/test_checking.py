"""Checks that go on whatever happens, and that do not wait for each other for long."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway_runtime.schema.document import HealthCheck, Service, Target
from gateway_runtime.upstream import checking
from gateway_runtime.upstream.connecting import AT_ONCE
from gateway_runtime.upstream.errors import REFUSED, UpstreamError
from gateway_runtime.upstream.pool import Pool
from gateway_runtime.upstream.registry import PoolRegistry

# At once, one after the other.
CHECK = HealthCheck(interval_seconds=0, unhealthy_after=2, healthy_after=1)
MANY = AT_ONCE + 8


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "random", lambda: 0.0)


def service(many: int) -> Service:
    targets = [Target(host=f"10.0.0.{number}", port=9000) for number in range(1, many + 1)]
    return Service(id="s", name="orders", targets=targets, health_check=CHECK)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(5):
            await scenario

    asyncio.run(limited())


def serve(many: int) -> PoolRegistry:
    registry = PoolRegistry()
    registry.retain({registry.get(service(many))})
    return registry


def test_a_check_that_fails_unexpectedly_is_a_bad_one_and_not_the_last_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings: list[str | None] = []
    enough = asyncio.Event()

    async def open(pool: Pool, target: Any) -> Any:
        findings.append(pool.targets[0].health.finding)  # type: ignore[union-attr]
        if len(findings) == 5:
            enough.set()
        if len(findings) < 4:
            raise ValueError("nobody has thought of this")
        raise UpstreamError(REFUSED)

    monkeypatch.setattr(Pool, "open", open)

    async def scenario() -> None:
        registry = serve(1)
        await enough.wait()
        assert findings == [None, "internal_error", "internal_error", "internal_error", "upstream_refused"]
        registry.retain(())

    run(scenario())
    # Once, not with every check.
    assert capsys.readouterr().err.count('"event":"health_check_failed"') == 1


def test_targets_that_do_not_answer_do_not_keep_others_from_being_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "TURN_SECONDS", 0.001)
    asked: list[str] = []
    enough = asyncio.Event()

    async def open(pool: Pool, target: Any) -> Any:
        asked.append(target.host)
        if len(asked) == MANY:
            enough.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Pool, "open", open)

    async def scenario() -> None:
        registry = serve(MANY)
        await enough.wait()
        assert len(set(asked)) == MANY
        registry.retain(())

    run(scenario())


def test_so_many_checks_begin_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "TURN_SECONDS", 60.0)
    asked: list[str] = []

    async def open(pool: Pool, target: Any) -> Any:
        asked.append(target.host)
        await asyncio.Event().wait()

    monkeypatch.setattr(Pool, "open", open)

    async def scenario() -> None:
        registry = serve(MANY)
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(asked) == AT_ONCE
        registry.retain(())

    run(scenario())
