"""`portico export`, `portico import` and `portico promote`, against the real interface."""

from typing import Any

import httpx2
import pytest
import yaml
from click.testing import CliRunner

from portal.accounts.services import api_token_create
from portal.cli import transfers as module
from portal.cli.commands import portico
from tests.portal.base import World, client_of, make_gateway, make_instance

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


FILE = """
apiVersion: gateway.mulesoft.com/v1alpha1
kind: ApiInstance
metadata: {name: museum}
spec:
  address: http://0.0.0.0:8080/museum
  services: {main: {address: "https://museum.example.test"}}
  policies:
    - policyRef: {name: http-basic-authentication}
      config: {username: guide, password: $MUSEUM_PASSWORD}
"""


def take_in(run: Any, path: Any, *more: str, **environment: str) -> Any:
    return run("import", str(path), "--environment", "production", "--gateway", "edge", *more, **environment)


def test_files_are_shown_then_taken_in_with_secrets_of_the_environment(world: World, run: Any, tmp_path: Any) -> None:
    (tmp_path / "museum.yaml").write_text(FILE)
    asked = take_in(run, tmp_path, "--dry-run")
    assert asked.exit_code == 1
    assert "Set MUSEUM_PASSWORD: password of http-basic-authentication on museum" in asked.output
    shown = take_in(run, tmp_path, "--dry-run", MUSEUM_PASSWORD="s3cret")
    assert (shown.exit_code, shown.stdout) == (0, "museum v1: new\n")
    assert world.gateway.api_instances.count() == 1
    assert take_in(run, tmp_path, MUSEUM_PASSWORD="s3cret").exit_code == 0
    assert world.gateway.api_instances.count() == 2
    assert take_in(run, tmp_path).stdout == "museum v1: unchanged\n"


def test_faults_have_file_and_line(run: Any, tmp_path: Any) -> None:
    (tmp_path / "museum.yaml").write_text(FILE.replace("services", "servises"))
    told = take_in(run, tmp_path)
    assert told.exit_code == 1
    assert "museum.yaml:7: spec.servises: There is no setting “servises”. Did you mean “services”?" in told.output
    for path, said in ((tmp_path / "museum.yaml", "no gateway moon"), (tmp_path, "no gateway moon")):
        assert said in run("import", str(path), "--environment", "production", "--gateway", "moon").output


def test_an_instance_is_promoted_with_its_address_there(world: World, run: Any) -> None:
    there = make_gateway(world.sandbox, "Try", port=8090)
    words = ("promote", "Orders v1", "--environment", "production", "--organization", "acme", "--to", "sandbox",
             "--gateway", "try", "--port", "8090", "--url", "default=https://try.example.test")  # fmt: skip
    shown = run(*words, "--dry-run")
    assert (shown.exit_code, shown.stdout) == (0, "Orders v1: new\n"), shown.output
    assert run(*words).exit_code == 0
    assert there.api_instances.get().services.get().url == "https://try.example.test"
    assert run(*words).stdout == "Orders v1: unchanged\n"
    refused = run(*words[:-1], "default=http://10.0.0.1")
    assert refused.exit_code == 1
    assert "Orders v1: refused: 10.0.0.1 is a private address" in refused.output
