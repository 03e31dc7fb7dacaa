"""The box shows a password once, and ends with the sentence that scripts wait for."""

from pathlib import Path

import pytest

from portal.cli.up.box import SignIn, box
from portal.cli.up.settings import Run


@pytest.fixture
def run() -> Run:
    return Run(
        home=Path("/home"), portal_host="127.0.0.1", portal_port=8000, gateway_port=8080,
        gateway_admin=("127.0.0.1", 9998), gateway_workers=2, redis_url=None, admin_email="a@b.example",
        admin_password=None, demo_traffic=False, policies=None,
    )  # fmt: skip


def test_last_line_says_ready(run: Run) -> None:
    lines = box(run, SignIn(email="a@b.example", password="pass-word", first=True), 3.2)
    assert lines[-1].startswith("Portico is ready")
    text = "\n".join(lines)
    for part in ("http://localhost:8000", "http://localhost:8080", "a@b.example", "pass-word", "curl -i"):
        assert part in text
    assert len({len(line) for line in lines[:-1]}) == 1


def test_given_password_and_later_starts_show_none(run: Run) -> None:
    given = "\n".join(box(run, SignIn(email="a@b.example", password=None, first=True), 1))
    assert "PORTICO_ADMIN_PASSWORD" in given
    later = "\n".join(box(run, SignIn(email="a@b.example", password=None, first=False), 1))
    assert "as before" in later
