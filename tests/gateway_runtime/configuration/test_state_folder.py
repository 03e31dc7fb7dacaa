import os
from pathlib import Path

import pytest

from gateway_runtime.configuration.state_folder import StateFolder, StateFolderError


def test_the_replica_id_stays(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "state")
    known = first.replica_id()
    assert first.replica_id() == known
    first.close()
    second = StateFolder(tmp_path / "state")
    assert second.replica_id() == known
    second.close()


def test_a_spoiled_replica_id_is_replaced(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    (tmp_path / "replica_id").write_bytes(b"\xff")
    made = folder.replica_id()
    assert len(made) == 32
    assert folder.replica_id() == made
    folder.close()


def test_the_folder_is_private(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "deep" / "state")
    assert (tmp_path / "deep" / "state").stat().st_mode & 0o777 == 0o700
    folder.close()


def test_two_gateways_cannot_share_it(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    with pytest.raises(StateFolderError, match="used by another running gateway"):
        StateFolder(tmp_path)
    folder.close()


def test_a_file_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateFolderError, match="cannot be written"):
        StateFolder(tmp_path / "state")


def test_a_lock_that_is_handed_over_is_never_free(tmp_path: Path) -> None:
    before = StateFolder(tmp_path)
    after = StateFolder(tmp_path, lock=os.dup(before.lock))
    before.close()
    with pytest.raises(StateFolderError, match="used by another"):
        StateFolder(tmp_path)
    after.close()
    StateFolder(tmp_path).close()


def test_a_lock_of_another_folder_is_no_key_to_this_one(tmp_path: Path) -> None:
    other, owner = StateFolder(tmp_path / "other"), StateFolder(tmp_path / "own")
    with pytest.raises(StateFolderError, match="used by another"):
        StateFolder(tmp_path / "own", lock=other.lock)
    other.close()
    owner.close()
