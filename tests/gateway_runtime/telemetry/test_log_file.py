"""A log file is followed by its name, as logrotate needs it."""

import os
import stat
from pathlib import Path

import pytest

from gateway_runtime.telemetry.log_file import LogFile


def test_it_is_made_for_its_owner_and_group_and_kept_open(tmp_path: Path) -> None:
    file = LogFile(str(tmp_path / "log"))
    first = file.descriptor()
    assert file.descriptor() == first
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) & 0o137 == 0
    file.close()


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"before\n")
    file = LogFile(str(tmp_path / "log"))
    os.write(file.descriptor(), b"after\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"before\nafter\n"


@pytest.mark.parametrize("replaced", [False, True])
def test_it_is_opened_anew_when_it_has_been_moved_away(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "log"
    file = LogFile(str(path))
    os.write(file.descriptor(), b"first\n")
    path.rename(tmp_path / "log.1")
    if replaced:
        path.write_bytes(b"")
    os.write(file.descriptor(), b"second\n")
    file.close()
    assert (tmp_path / "log.1").read_bytes() == b"first\n"
    assert path.read_bytes() == b"second\n"


def test_a_folder_is_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "log")
    with pytest.raises(FileNotFoundError):
        LogFile(path).descriptor()
    file = LogFile(path, mkdir=True)
    assert file.descriptor() >= 0
    file.close()
