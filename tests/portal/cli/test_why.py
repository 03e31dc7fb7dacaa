"""`portico why`, against the real interface."""

from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from portal.accounts.services import api_token_create
from portal.cli import why as module
from portal.cli.commands import portico
from portal.cli.portal_client import PortalError
from tests.portal.base import World, client_of
from tests.portal.traces.base import refused, stored, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command with the portal of the tests behind it."""
    token = api_token_create(user=world.ben, actor=world.ben, name="laptop", expires_at=None).secret

    def answer(request: httpx2.Request) -> httpx2.Response:
        client = client_of(None)
        found = client.get(
            str(request.url.raw_path, "ascii"), headers={"authorization": request.headers["authorization"]}
        )
        return httpx2.Response(
            found.status_code, content=found.content, headers={"content-type": found["content-type"]}
        )

    fetch = module.traces_fetch
    monkeypatch.setattr(module, "traces_fetch", lambda **given: fetch(**given, transport=httpx2.MockTransport(answer)))

    def run(*arguments: str, secret: str = token) -> Any:
        return CliRunner().invoke(portico, ["why", *arguments], env={"PORTICO_TOKEN": secret})

    return run


def test_a_traced_request_is_told_step_by_step(world: World, run: Any) -> None:
    stored(world.gateway, told(world.instance))
    result = run("req-1")
    assert result.exit_code == 0, result.output
    for text in (
        "GET /orders/items", "status     200, 1.000 ms", "revision   3 on replica replica-1",
        "jwt-validation", "went on, 0.015 ms", "would have refused rate_limit_exceeded", "10.0.0.1:80 200",
    ):  # fmt: skip
        assert text in result.output, text


def test_a_refusal_has_its_reason(world: World, run: Any) -> None:
    stored(world.gateway, refused(world.instance))
    output = run("req-2").output
    assert "basic_credentials_missing by http-basic-authentication" in output
    assert "without being traced" in output


def test_what_is_not_known_and_who_is_not_known_are_said_in_one_sentence(world: World, run: Any) -> None:
    stored(world.other_gateway, told(world.other_instance, request_id="theirs"))
    for result, sentence in (
        (run("theirs"), "Nothing is known of this request."),
        (run("x", secret="wrong"), "The portal does not know this token."),
        (run("x", secret="tök"), "The portal does not know this token."),
        (run("x", secret=""), "Set PORTICO_TOKEN"),
    ):
        assert result.exit_code == 1
        assert sentence in result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("status", "content"), [(200, b"[1]"), (200, b'{"a": 1}'), (200, b"<p>"), (404, b""), (500, b"{}")]
)
def test_something_else_than_a_portal_is_said_in_one_sentence(status: int, content: bytes) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(status, content=content))
    with pytest.raises(PortalError, match=f"no portal at http://other: it answers with status {status}"):
        module.traces_fetch(portal="http://other", token="t", request_id="r", transport=transport)
