"""`portico gateway register`, against the real interface."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from django.test import Client

from gateway_runtime.configuration.registration import read_registration
from portal.cli import register as module
from portal.cli.commands import portico
from portal.gateways.registration_tokens import registration_token_create
from tests.portal.base import World
from tests.stack import ROOT

pytestmark = pytest.mark.django_db


def portal_answers(request: httpx2.Request) -> httpx2.Response:
    """Be the portal of the tests."""
    found = Client().post(request.url.path, request.content, content_type="application/json")
    return httpx2.Response(found.status_code, content=found.content, headers={"content-type": found["content-type"]})


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command in an empty folder, with a new token."""
    monkeypatch.chdir(tmp_path)
    answering = [portal_answers]

    def answer(request: httpx2.Request) -> httpx2.Response:
        return answering[0](request)

    ask = module.register
    monkeypatch.setattr(module, "register", lambda **given: ask(**given, transport=httpx2.MockTransport(answer)))

    def run(*arguments: str, name: str = "edge", token: str = "", portal: Any = portal_answers) -> Any:
        answering[0] = portal
        token = token or registration_token_create(actor=None, gateway=world.gateway).secret
        return CliRunner().invoke(portico, ["gateway", "register", name, *arguments, "--token", token])

    return run


def test_the_file_is_what_a_gateway_starts_with(run: Any, world: World, tmp_path: Path) -> None:
    done = run()
    assert done.exit_code == 0, done.output
    path = tmp_path / "registration.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_registration(path).gateway == str(world.gateway.pk)
    assert [each.name for each in tmp_path.iterdir()] == ["registration.yaml"]


def test_the_file_can_have_another_name(run: Any, tmp_path: Path) -> None:
    assert run("-o", "edge.yaml").exit_code == 0
    assert read_registration(tmp_path / "edge.yaml").name == "edge"


def test_a_file_that_is_there_stays_and_the_token_too(run: Any, world: World, tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"
    path.write_text("mine")
    token = registration_token_create(actor=None, gateway=world.gateway).secret
    done = run(token=token)
    assert done.exit_code == 1
    assert "is there already" in done.output
    assert path.read_text() == "mine"
    assert run("--overwrite", token=token).exit_code == 0
    assert read_registration(path).name == "edge"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_made_meanwhile_is_not_replaced(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "registration.yaml"

    def portal(request: httpx2.Request) -> httpx2.Response:
        path.write_text("mine")
        return portal_answers(request)

    assert "is there already" in run(portal=portal).output
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "edgy"}, "This token is for the gateway edge."),
        ({"token": "portico_reg_x"}, "This registration token is not known."),
    ],
)
def test_a_refusal_is_its_sentence(run: Any, tmp_path: Path, given: dict[str, str], said: str) -> None:
    done = run(**given)
    assert done.exit_code == 1
    assert said in done.output
    assert list(tmp_path.iterdir()) == []


def test_another_server_is_no_portal(run: Any, tmp_path: Path) -> None:
    for status in (200, 201, 404):
        done = run(portal=lambda request, status=status: httpx2.Response(status, text="hello"))
        assert "There is no portal at http://localhost:8000" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_portal_that_does_not_answer_is_named(run: Any) -> None:
    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("Connection refused")

    assert "The portal at http://localhost:8000 cannot be reached: Connection refused." in run(portal=away).output


@pytest.mark.parametrize("url", ["portal.example", "ftp://portal.example", "http://"])
def test_what_is_no_address_is_said(run: Any, url: str) -> None:
    assert "is not the address of a portal" in run("--url", url).output


def test_a_folder_that_is_not_there_is_said_before_the_token_is_used(run: Any, world: World) -> None:
    token = registration_token_create(actor=None, gateway=world.gateway).secret
    assert "cannot be written" in run("-o", "nowhere/registration.yaml", token=token).output
    assert run(token=token).exit_code == 0


def test_an_open_connection_is_warned_of(run: Any) -> None:
    assert "not encrypted" in run("--url", "http://portal.example").output
    assert "not encrypted" not in run("--url", "http://127.0.0.1:8000", "--overwrite").output
    assert "not encrypted" not in run("--url", "https://portal.example", "--overwrite").output


def test_it_needs_no_settings_and_no_django(tmp_path: Path) -> None:
    script = (
        "import sys; from portal.cli import register; from portal.cli.commands import portico\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('django', 'celery')]"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)


def test_without_a_token_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTICO_REGISTRATION_TOKEN", raising=False)
    assert "Add replica" in CliRunner().invoke(portico, ["gateway", "register", "edge"]).output
