"""Lines of the gateway's own log in a file: all of them, in order, and nobody waits."""

import os
import threading
from pathlib import Path

import pytest

from gateway_runtime.telemetry import log_sink
from gateway_runtime.telemetry.log_file import LogFile
from gateway_runtime.telemetry.log_sink import LogSink


class StuckFile(LogFile):
    """A file on a disk that does not answer until it is told to."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.asked = threading.Event()
        self.answer = threading.Event()

    def descriptor(self) -> int:
        self.asked.set()
        self.answer.wait(5)
        return super().descriptor()


def test_lines_of_several_threads_arrive_whole(tmp_path: Path) -> None:
    sink = LogSink(LogFile(str(tmp_path / "log")))

    def write(name: int) -> None:
        for number in range(200):
            sink.add(b"%d %d\n" % (name, number))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.flush()
    lines = (tmp_path / "log").read_bytes().splitlines()
    for name in range(4):
        assert [line for line in lines if line.startswith(b"%d " % name)] == [b"%d %d" % (name, n) for n in range(200)]
    assert sink.dropped == 0


def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path) -> None:
    file = StuckFile(str(tmp_path / "log"))
    sink = LogSink(file, limit=100)
    for _ in range(15):
        sink.add(b"x" * 9 + b"\n")
    assert file.asked.wait(5)
    assert sink.dropped == 5
    file.answer.set()
    sink.flush()
    assert (tmp_path / "log").read_bytes() == (b"x" * 9 + b"\n") * 10
    sink.add(b"again\n")
    sink.flush()
    assert (tmp_path / "log").read_bytes().endswith(b"\nagain\n")


def test_flushing_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_sink, "CLOSE_SECONDS", 0.05)
    file = StuckFile(str(tmp_path / "log"))
    sink = LogSink(file)
    sink.add(b"late\n")
    sink.flush()
    assert not (tmp_path / "log").exists()
    file.answer.set()


def test_a_file_that_cannot_be_written_is_told_once_and_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sink = LogSink(LogFile(str(tmp_path / "logs" / "log")))
    for _ in range(3):
        sink.add(b"lost\n")
        sink.flush()
    assert sink.dropped == 3
    assert capfd.readouterr().err.count("The log cannot be written: ") == 1
    (tmp_path / "logs").mkdir()
    sink.add(b"kept\n")
    sink.flush()
    assert (tmp_path / "logs" / "log").read_bytes() == b"kept\n"


def test_closing_writes_what_is_left_and_lets_go_of_the_file(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "log"))
    sink = LogSink(file)
    sink.add(b"last\n")
    sink.close()
    assert sink._thread is not None
    sink._thread.join(5)
    assert not sink._thread.is_alive()
    assert (tmp_path / "log").read_bytes() == b"last\n"
    assert file._descriptor == -1


def test_without_a_file_lines_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"")
    sink = LogSink()
    sink.add(b"line\n")
    sink.flush()
    assert capfd.readouterr().out == "line\n"
