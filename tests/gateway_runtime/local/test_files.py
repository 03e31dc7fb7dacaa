"""Which files count, and what tells that they have changed."""

import os
from pathlib import Path

import pytest

from gateway_runtime.local.faults import FileFault, FilesRefused
from gateway_runtime.local.files import FILE_BYTES, list_files, read_files, stamps
from gateway_runtime.local.loading import load
from tests.gateway_runtime.local.kit import instance, service


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")


def names(root: Path) -> list[str]:
    return [name for name, _ in list_files(root)]


def test_yaml_files_of_all_folders_in_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "a.yml", "policies/z.yaml", "custom/deep/a.yaml")
    write(tmp_path, "notes.txt", "a.yaml~", ".hidden.yaml", ".git/x.yaml", ".a.yaml.swp", "a.json", "4913")
    assert names(tmp_path) == ["a.yml", "b.yaml", "custom/deep/a.yaml", "policies/z.yaml"]


def test_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    write(tmp_path, "gateway.conf")
    assert read_files(tmp_path / "gateway.conf") == [("gateway.conf", b"# gateway.conf\n")]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    write(tmp_path, "conf/a.yaml", "elsewhere/b.yaml")
    (tmp_path / "conf" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "conf")
    assert names(tmp_path / "conf") == ["a.yaml", "link/b.yaml"]


def test_a_volume_that_kubernetes_swaps_is_seen(tmp_path: Path) -> None:
    write(tmp_path, "..one/a.yaml", "..two/a.yaml")
    os.utime(tmp_path / "..one/a.yaml", ns=(5, 5))
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    before = stamps(tmp_path)
    assert [stamp.name for stamp in before] == ["a.yaml"]
    (tmp_path / "new").symlink_to("..two")
    (tmp_path / "new").rename(tmp_path / "..data")
    assert stamps(tmp_path) != before


@pytest.mark.parametrize("change", ["content", "replaced", "added", "removed", "touched"])
def test_every_change_changes_the_stamps(tmp_path: Path, change: str) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    before = stamps(tmp_path)
    assert stamps(tmp_path) == before
    if change == "content":
        (tmp_path / "a.yaml").write_text("longer than before")
    elif change == "replaced":
        status = (tmp_path / "a.yaml").stat()
        write(tmp_path, "new")
        os.utime(tmp_path / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
        (tmp_path / "new").rename(tmp_path / "a.yaml")
    elif change == "added":
        write(tmp_path, "c.yaml")
    elif change == "removed":
        (tmp_path / "a.yaml").unlink()
    else:
        os.utime(tmp_path / "a.yaml", ns=(1, 1))
    assert stamps(tmp_path) != before


def test_what_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="There is no such file or folder"):
        read_files(tmp_path / "nothing")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileFault, match="The file cannot be read"):
        read_files(tmp_path)
    (tmp_path / "a.yaml").unlink()
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    with pytest.raises(FileFault, match="The file is larger than 32 MB"):
        read_files(tmp_path)


def test_an_empty_folder_is_refused_and_an_empty_file_serves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FilesRefused, match=r"There is no \.yaml file here"):
        load(tmp_path, {})
    write(tmp_path, "none.yaml")
    assert load(tmp_path, {}).document.apis == []


def test_resources_of_different_files_belong_together(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(instance())
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "service.yaml").write_text(service())
    made = load(tmp_path, {})
    assert [(each.name, each.place.file) for each in made.resources] == [
        ("museum", "api.yaml"),
        ("exhibits", "sub/service.yaml"),
    ]
