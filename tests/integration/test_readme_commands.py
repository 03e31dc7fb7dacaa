"""The commands of the README's eighth step, pasted into a shell as they stand there."""

import re
import subprocess
import sys
import textwrap

from tests.stack import ROOT, Stack


def commands(stack: Stack) -> str:
    """Return the block of step 8, with what differs in this copy: addresses, the e-mail address, the Python."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = textwrap.dedent(re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)[-1])
    for written, here in (
        ("http://localhost:8000", stack.portal),
        ("http://localhost:8080", stack.gateway),
        ('"port": 8080', f'"port": {stack.gateway_port}'),
        ("owner@harbourgoods.example", stack.email),
        (".venv/bin/python", sys.executable),
    ):
        assert written in block
        block = block.replace(written, here)
    return block


def test_an_api_and_a_policy_by_the_commands_of_the_readme(stack: Stack) -> None:
    done = subprocess.run(
        ["sh", "-eu"], input=commands(stack), cwd=ROOT, env=stack.env(), capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.findall(r"HTTP/1\.1 (\d{3}) ", done.stdout) == ["200", "401", "200"], done.stdout
    assert '"policy":"http-basic-authentication"' in done.stdout
    assert "correct-horse-battery" not in done.stdout
