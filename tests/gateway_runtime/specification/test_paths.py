"""From a path to its template."""

import time

import pytest

from gateway_runtime.specification.paths import PathTable


def table(*templates: str) -> PathTable:
    made = PathTable()
    for template in templates:
        made.add(template, template)
    return made


TABLE = table(
    "/", "/pets", "/pets/", "/pets/{id}", "/pets/mine", "/pets/{id}/toys/{toy}", "/pets/mine/name",
    "/files/{name}.json",
    "/files/{name}", "/maps/{x}-{y}", "/{any}/deep", "/a/{b}/c", "/a/b/d", "/caf\u00e9/{x}", "/with space/{y}",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "template", "parameters"),
    [
        ("/", "/", {}),
        ("/pets", "/pets", {}),
        ("/pets/", "/pets/", {}),
        ("/pets/7", "/pets/{id}", {"id": "7"}),
        ("/pets/mine", "/pets/mine", {}),
        ("/pets/mine/toys/1", "/pets/{id}/toys/{toy}", {"id": "mine", "toy": "1"}),
        ("/pets/a%2Fb", "/pets/{id}", {"id": "a%2Fb"}),
        ("/files/a.json", "/files/{name}.json", {"name": "a"}),
        ("/files/a.b.json", "/files/{name}.json", {"name": "a.b"}),
        ("/files/.json", "/files/{name}", {"name": ".json"}),
        ("/maps/1-2-3", "/maps/{x}-{y}", {"x": "1", "y": "2-3"}),
        ("/pets/deep", "/pets/{id}", {"id": "deep"}),
        ("/x/deep", "/{any}/deep", {"any": "x"}),
        ("/a/b/c", "/a/{b}/c", {"b": "b"}),
        ("/a/b/d", "/a/b/d", {}),
        ("/caf%C3%A9/1", "/caf\u00e9/{x}", {"x": "1"}),
        ("/with%20space/1", "/with space/{y}", {"y": "1"}),
        ("/pets/7/", None, {}),
        ("/Pets", None, {}),
        ("/pets/7/toys", None, {}),
        ("//deep", None, {}),
        ("/maps/12", None, {}),
    ],
)
def test_a_plain_path_wins_and_every_template_is_found(
    path: str, template: str | None, parameters: dict[str, str]
) -> None:
    assert (TABLE.find(path) or (None, {})) == (template, parameters)


def test_a_long_segment_takes_linear_time() -> None:
    paths = table("/{a}-{b}-{c}-{d}.json")
    started = time.process_time()
    assert paths.find("/" + "-" * 60_000) is None
    assert time.process_time() - started < 1
