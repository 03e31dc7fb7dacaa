"""Base paths: the longest one that ends where a segment ends."""

import pytest

from gateway_runtime.routing.compiled import CompiledApi, base_path_bytes
from gateway_runtime.routing.table import OverlapError, PortTable


def table(*paths: str) -> PortTable:
    return PortTable.build(CompiledApi(id=path, name=path, base_path=base_path_bytes(path)) for path in paths)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/api", "/api"), (b"/api/", "/api"), (b"/api/x", "/api"), (b"/api/v1", "/api/v1"),
        (b"/api/v1/x/y", "/api/v1"),
        (b"/api/v10", "/api"), (b"/api/v1../x", "/api"), (b"/a/b/c/d", "/a/b/c"), (b"/a/b", None), (b"/apix", None),
        (b"/api../x", None), (b"/", None),
    ],
)  # fmt: skip
def test_the_longest_base_path_on_a_segment_boundary_wins(path: bytes, found: str | None) -> None:
    api = table("/api", "/api/v1", "/a/b/c").find(path)
    assert (None if api is None else api.id) == found


def test_the_root_takes_what_nobody_else_does() -> None:
    both = table("", "/api")
    for path, found in ((b"/", ""), (b"/x/y", ""), (b"/api/x", "/api"), (b"/apix", "")):
        api = both.find(path)
        assert api is not None
        assert api.id == found


def test_an_empty_table_finds_nothing() -> None:
    assert table().find(b"/x") is None


def test_the_same_base_path_twice_names_both() -> None:
    with pytest.raises(OverlapError, match=r"“/api” and “/api/” have the same base path /api"):
        table("/api", "/api/")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/api;x", None), (b"/api;x/y", None), (b"/api%3Bx/y", None), (b"/api%3Fx", None), (b"/api/x;y", "/api"),
        (b"/api/%C3%A9;x", "/api"), (b"/x;y", ""), (b"/x%3Bapi", ""), (b"/a%40b;x/c", None), (b"/a%40b/c", None),
        (b"/a@b/c", "/a@b"),
    ],
)  # fmt: skip
def test_a_path_that_may_be_read_as_that_of_another_api_belongs_to_nobody(path: bytes, found: str | None) -> None:
    api = table("", "/api", "/a@b").find(path)
    assert (None if api is None else api.id) == found
