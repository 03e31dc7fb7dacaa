"""Custom policies from the command line: the files of a new one, and whether those that are installed can be used."""

import os
import re
from pathlib import Path

import click

from portal.cli.up.settings import home_folder, policies_folder
from portal.env import EnvError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TEMPLATES = Path(__file__).parent / "templates"
# Two policies of one name are told apart by nothing.
_LONGEST = 60


def new_policy(name: str, folder: str | None) -> list[Path]:
    """Write the file of a policy and the one of its test, and return their paths. Overwrites nothing.

    Raises `click.ClickException`.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise click.ClickException(
            f"“{name}” is no name for a policy. Use small letters, digits and single dashes, such as office-hours."
        )
    try:
        into = Path(folder) if folder is not None else (policies_folder() or home_folder() / "policies")
    except EnvError as error:
        raise click.ClickException(str(error)) from error
    words = {"NAME": name, "MODULE": name.replace("-", "_"), "TITLE": name.replace("-", " ").capitalize()}
    paths = {"policy.py.txt": into / f"{words['MODULE']}.py", "test_policy.py.txt": into / f"test_{words['MODULE']}.py"}
    for path in paths.values():
        if path.exists():
            raise click.ClickException(f"{path} is there already. Choose another name.")
    try:
        into.mkdir(parents=True, exist_ok=True)
        for template, path in paths.items():
            text = (_TEMPLATES / template).read_text(encoding="utf-8")
            with path.open("x", encoding="utf-8") as file:
                file.write(re.sub(r"\{\{(\w+)\}\}", lambda found: words[found[1]], text))
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}.") from error
    return list(paths.values())


def check_custom() -> tuple[list[str], list[str]]:
    """Return a line for every custom policy that can be used, and a sentence for every other one."""
    try:
        folder = policies_folder()
    except EnvError as error:
        raise click.ClickException(str(error)) from error
    if folder is not None:
        os.environ["PORTICO_POLICIES"] = str(folder)
    # Policies are read when this is imported.
    from gateway_runtime.policies.registry import custom_definitions, custom_faults

    return [f"{each.name}: {each.title}, {each.category}" for each in custom_definitions()], list(custom_faults())
