"""What processes write: whole in a file of bounded size, its warnings on the terminal."""

from io import StringIO
from pathlib import Path

import pytest

from portal.cli.up.output import LogFile, ProcessOutput, warning_in
from portal.cli.up.terminal import Terminal


def test_lines_are_put_together_from_pieces(tmp_path: Path) -> None:
    output = ProcessOutput("child", LogFile(tmp_path / "child.log"), Terminal(stream=StringIO()))
    for piece in (b"on", b"e\ntw", b"o\r\nth", b"ree"):
        output.feed(piece)
    assert output.last_lines() == ["one", "two"]
    output.finish()
    assert (tmp_path / "child.log").read_bytes() == b"one\ntwo\nthree\n"


def test_full_log_is_moved_aside(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "child.log", rotate_at=100)
    for number in range(40):
        log.write(b"line %02d" % number)
    log.close()
    kept = [(tmp_path / name).stat().st_size for name in ("child.log", "child.log.1")]
    assert all(0 < size <= 110 for size in kept)
    assert (tmp_path / "child.log").read_bytes().endswith(b"line 39\n")


def test_only_warnings_reach_the_terminal(tmp_path: Path) -> None:
    stream = StringIO()
    output = ProcessOutput("gateway", LogFile(tmp_path / "gateway.log"), Terminal(stream=stream))
    output.feed(b'{"log.level": "INFO", "message": "quiet"}\nplain text\n')
    output.feed(b'{"log.level": "WARNING", "message": "loud"}\n')
    assert stream.getvalue().count("\n") == 1
    assert "warning: loud" in stream.getvalue()


def test_verbose_terminal_shows_everything(tmp_path: Path) -> None:
    stream = StringIO()
    output = ProcessOutput("gateway", LogFile(tmp_path / "gateway.log"), Terminal(stream=stream, verbose=True))
    output.feed(b"plain text\n")
    assert "gateway" in stream.getvalue()
    assert "plain text" in stream.getvalue()


@pytest.mark.parametrize("line", ["{broken", "[]", '{"message": "no level"}', '{"level": 40, "msg": "x"}', "{}"])
def test_line_that_is_no_warning_says_nothing(line: str) -> None:
    assert warning_in(line) is None
