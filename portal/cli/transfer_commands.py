"""`portico export`. Commands import what they need when they run."""

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def of_environment(command: Command) -> Command:
    """Add the options that say which portal, and which environment of it."""
    for option in (
        click.option("--token", envvar="PORTICO_TOKEN", metavar="TOKEN", help="An API token; better in PORTICO_TOKEN."),
        click.option(
            "--portal", envvar="PORTICO_PORTAL_URL", default="http://localhost:8000", show_default=True, metavar="URL"
        ),
        click.option("--organization", envvar="PORTICO_ORG", metavar="NAME", help="Where several have the same one."),
        click.option("--environment", envvar="PORTICO_ENV", required=True, metavar="NAME", help="As in addresses."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("apis", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every API instance of the environment.")
@click.option("--tiers", is_flag=True, help="With the tiers that they offer.")
@click.option("--contracts", is_flag=True, help="With the applications that may call them.")
@click.option("--automated", is_flag=True, help="With the environment's policies that act on them.")
@click.option("-o", "--output", metavar="FILE", help="Write there instead of standard output.")
@of_environment
def export(
    apis: tuple[str, ...],
    everything: bool,
    output: str | None,
    environment: str,
    organization: str | None,
    portal: str,
    token: str | None,
    **options: bool,
) -> None:
    """Write API instances as a declarative file, without secrets. APIS are names as in the console, or ids."""
    from pathlib import Path

    from portal.cli.portal_client import PortalError
    from portal.cli.transfers import connected, environment_named, instances_named

    if not apis and not everything:
        raise click.UsageError("Name the API instances, or give --all.")
    try:
        with connected(portal, token) as client:
            place = environment_named(client, environment, organization)
            chosen = instances_named(client, place, None if everything else apis)
            body = {"instances": [each["id"] for each in chosen], **options}
            found = client.post("/api/v1/exports/", body)
    except PortalError as error:
        raise click.ClickException(str(error)) from error
    if output is None:
        click.echo(found["file"], nl=False)
    else:
        Path(output).write_text(found["file"], encoding="utf-8")
        click.echo(f"Written: {output}", err=True)
    for note in found["notes"]:
        click.echo(note, err=True)
    for variable in found["variables"]:
        click.echo(f"Set {variable['name']} where the file is used: {variable['about']}", err=True)
