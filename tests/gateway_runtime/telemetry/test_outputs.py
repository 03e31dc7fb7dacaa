"""Outputs come and go with the configuration; what stays is not disturbed, and no count goes back."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from gateway_runtime.log import Log
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.log_output import LogOutput
from gateway_runtime.telemetry.outputs import AccessOutputs, RuntimeOutputs, check_outputs


def file(path: Path) -> LogOutput:
    return LogOutput(type="file", path=str(path))


def flush(log: Log) -> None:
    for sink in log.sinks:
        sink.flush()  # type: ignore[attr-defined]


def events(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_a_log_goes_to_every_output_and_back_to_standard_error(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = Log(stream)
    outputs = RuntimeOutputs(log)
    log.info("before")
    outputs.use([file(tmp_path / "a"), file(tmp_path / "b")])
    log.info("during")
    flush(log)
    outputs.use([])
    log.info("after")
    assert events(tmp_path / "a") == events(tmp_path / "b") == ["during"]
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["before", "after"]


def test_an_output_that_stays_goes_on_and_is_there_once(tmp_path: Path) -> None:
    log = Log(io.StringIO())
    outputs = RuntimeOutputs(log)
    outputs.use([file(tmp_path / "a"), file(tmp_path / "a")])
    (first,) = log.sinks
    outputs.use([file(tmp_path / "b"), file(tmp_path / "a")])
    assert log.sinks[1] is first


def test_dropped_lines_stay_counted_when_their_output_has_gone(tmp_path: Path) -> None:
    log = Log(io.StringIO())
    outputs = RuntimeOutputs(log)
    outputs.use([file(tmp_path / "missing" / "a")])
    log.info("lost")
    flush(log)
    assert outputs.dropped == 1
    outputs.use([])
    assert outputs.dropped == 1


def test_access_lines_go_where_the_newest_document_says_and_none_is_lost(tmp_path: Path) -> None:
    async def write() -> AccessOutputs:
        access = AccessOutputs()
        access.use([file(tmp_path / "a")])
        access.add(b"one\n")
        access.use([file(tmp_path / "a"), file(tmp_path / "b")])
        access.add(b"two\n")
        access.use([file(tmp_path / "b")])
        access.add(b"three\n")
        while access._closing:
            await asyncio.sleep(0.01)
        await access.close()
        return access

    access = asyncio.run(write())
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "b").read_bytes() == b"two\nthree\n"
    assert (access.written, access.dropped) == (4, 0)


def test_a_path_that_depends_on_the_working_folder_is_refused() -> None:
    check_outputs([LogOutput(type="stdout"), LogOutput(type="file", path="/a")], "outputs")
    with pytest.raises(ConfigFault) as caught:
        check_outputs([LogOutput(type="stdout"), LogOutput(type="file", path="a")], "outputs")
    assert caught.value.path == "outputs[1].path"
