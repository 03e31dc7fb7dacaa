import io
import json
import logging

import pytest

from gateway_runtime.log import Log, capture_library_logs


def test_a_line_is_one_json_object_with_bound_and_given_values() -> None:
    stream = io.StringIO()
    log = Log(stream)
    log.bind(process="worker")
    log.info("applied", revision=3, text="a\nb")
    (line,) = stream.getvalue().splitlines()
    shown = json.loads(line)
    assert shown["@timestamp"].endswith("Z")
    assert (shown["log.level"], shown["event"], shown["process"], shown["revision"], shown["text"]) == (
        "info", "applied", "worker", 3, "a\nb",
    )  # fmt: skip


def test_errors_carry_their_trace_and_warnings_do_not() -> None:
    stream = io.StringIO()
    log = Log(stream)
    try:
        raise ValueError("broken")
    except ValueError as error:
        log.error("failed", error=error)
        log.warning("failed", error=error)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["error"] == second["error"] == "ValueError: broken"
    assert "test_errors_carry" in first["trace"]
    assert "trace" not in second


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    stream = io.StringIO()
    Log(stream).info("seen", value=object)
    assert json.loads(stream.getvalue())["value"] == "<class 'object'>"


def test_library_logs_come_in_the_same_form(capsys) -> None:  # type: ignore[no-untyped-def]
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        capture_library_logs()
        logging.getLogger("asyncio").warning("slow %s", "callback")
        logging.getLogger("asyncio").info("nothing")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    (line,) = capsys.readouterr().err.splitlines()
    shown = json.loads(line)
    assert (shown["event"], shown["logger"], shown["message"]) == ("library", "asyncio", "slow callback")


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["a", "b", "c"]),
        ("info", ["a", "b", "c"]),
        ("warn", ["b", "c"]),
        ("error", ["c"]),
        ("fatal", []),
    ],
)
def test_lines_below_the_level_are_left_out(level: str, written: list[str]) -> None:
    stream = io.StringIO()
    log = Log(stream)
    log.level = level
    log.info("a")
    log.warning("b")
    log.error("c")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == written
