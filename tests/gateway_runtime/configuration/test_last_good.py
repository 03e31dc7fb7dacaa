import os
from pathlib import Path

import pytest

from gateway_runtime.configuration.last_good import LastGood


def test_nothing_kept_is_none(tmp_path: Path) -> None:
    assert LastGood(tmp_path).load() is None


def test_the_newest_is_kept_and_private(tmp_path: Path) -> None:
    kept = LastGood(tmp_path)
    kept.save(b"one")
    kept.save(b"two")
    assert kept.load() == b"two"
    assert (tmp_path / "last_good.bin").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["last_good.bin"]


def test_a_failed_save_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = LastGood(tmp_path)
    kept.save(b"one")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        kept.save(b"two")
    assert kept.load() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["last_good.bin"]
