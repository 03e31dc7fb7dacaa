"""`portico export`, against the real interface."""

from typing import Any

import httpx2
import pytest
import yaml
from click.testing import CliRunner

from portal.accounts.services import api_token_create
from portal.cli import transfers as module
from portal.cli.commands import portico
from tests.portal.base import World, client_of, make_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command with the portal of the tests behind it."""
    token = api_token_create(user=world.ada, actor=world.ada, name="laptop", expires_at=None).secret

    def answer(request: httpx2.Request) -> httpx2.Response:
        found = client_of(None).generic(
            request.method,
            str(request.url.raw_path, "ascii"),
            request.read(),
            content_type=request.headers.get("content-type", "application/json"),
            headers={"authorization": request.headers["authorization"]},
        )
        return httpx2.Response(found.status_code, content=found.content)

    connected = module.connected
    monkeypatch.setattr(
        module, "connected", lambda portal, token: connected(portal, token, httpx2.MockTransport(answer))
    )

    def run(*arguments: str, secret: str = token, **environment: str) -> Any:
        return CliRunner().invoke(portico, arguments, env={"PORTICO_TOKEN": secret, **environment})

    return run


def test_an_instance_is_exported_by_its_name(world: World, run: Any) -> None:
    result = run("export", "Orders v1", "--environment", "production", "--organization", "acme")
    assert result.exit_code == 0, result.output
    assert next(yaml.safe_load_all(result.stdout))["metadata"]["name"] == "orders-v1"


def test_everything_is_written_to_a_file(world: World, run: Any, tmp_path: Any) -> None:
    make_instance(world.gateway, world.api_version, base_path="/more", label="more")
    path = tmp_path / "all.yaml"
    result = run("export", "--all", "--environment", "production", "-o", str(path))
    assert result.exit_code == 0, result.output
    kinds = [each["kind"] for each in yaml.safe_load_all(path.read_text())]
    assert kinds.count("ApiInstance") == 2
    assert result.stdout == ""


def test_what_is_not_there_is_said_in_one_sentence(world: World, run: Any) -> None:
    for result, sentence in (
        (run("export", "Nothing", "--environment", "production"), "There is no API instance Nothing in Production."),
        (run("export", "--all", "--environment", "moon"), "There is no environment moon"),
        (run("export", "--all", "--environment", "production", secret=""), "Set PORTICO_TOKEN"),
        (run("export", "--all", "--environment", "production", secret="no"), "does not know this token"),
    ):
        assert result.exit_code == 1
        assert sentence in result.output
