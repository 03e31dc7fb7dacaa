import asyncio
import json

import pytest

from gateway_runtime.tasks import cancel, spawn


def test_a_failure_is_logged_with_the_task_s_name(capsys: pytest.CaptureFixture[str]) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def run() -> None:
        task = spawn("breaking", fail())
        await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(run())
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["task"], line["error"]) == ("task_failed", "breaking", "ValueError: broken")


def test_cancelling_waits_for_the_end_and_logs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("released")

    async def run() -> None:
        task = spawn("waiting", wait())
        await asyncio.sleep(0)
        await cancel(task, None)
        assert task.cancelled()

    asyncio.run(run())
    assert ended == ["released"]
    assert capsys.readouterr().err == ""
