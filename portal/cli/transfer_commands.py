"""`portico export`, `portico import` and `portico promote`. Commands import what they need when they run."""

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


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--gateway", required=True, metavar="NAME", help="As in addresses, or its id.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@of_environment
def take_in(
    paths: tuple[str, ...],
    gateway: str,
    dry_run: bool,
    environment: str,
    organization: str | None,
    portal: str,
    token: str | None,
) -> None:
    """Make API instances what declarative files say: all of them, or none where anything is wrong.

    PATHS are files or folders. Secrets that the portal does not have yet are taken from environment variables of this
    command, by the names that the files have for them.
    """
    import os

    from portal.cli.portal_client import PortalError
    from portal.cli.transfers import connected, environment_named, files_at, gateway_named, told_lines

    try:
        with connected(portal, token) as client:
            place = environment_named(client, environment, organization)
            body = {"gateway": gateway_named(client, place, gateway)["id"], "files": files_at(paths)}
            told = client.post("/api/v1/imports/", {**body, "dry_run": True})
            given = {each["name"]: os.environ[each["name"]] for each in told["missing"] if each["name"] in os.environ}
            if given or not dry_run:
                told = client.post("/api/v1/imports/", {**body, "variables": given, "dry_run": dry_run})
    except PortalError as error:
        raise click.ClickException(str(error)) from error
    for line in told_lines(told):
        click.echo(line)
    if not told["possible"]:
        raise click.ClickException("Nothing was changed.")


@click.command()
@click.argument("apis", nargs=-1, required=True)
@click.option("--to", "to", required=True, metavar="NAME", help="The environment to bring them to.")
@click.option("--gateway", required=True, metavar="NAME", help="A gateway there: as in addresses, or its id.")
@click.option("--port", type=int, help="Without it: the port that they have there, else the same as here.")
@click.option("--url", "urls", multiple=True, metavar="SERVICE=URL", help="Where a service is there; may be repeated.")
@click.option("--services/--no-services", default=True, help="With services and routes.")
@click.option("--policies/--no-policies", default=True, help="With policies.")
@click.option("--tiers/--no-tiers", default=False, help="With the tiers that they offer.")
@click.option("--labels/--no-labels", default=True, help="With labels.")
@click.option("--dry-run", is_flag=True, help="Only show what would be another.")
@of_environment
def promote(
    apis: tuple[str, ...],
    to: str,
    gateway: str,
    port: int | None,
    urls: tuple[str, ...],
    dry_run: bool,
    environment: str,
    organization: str | None,
    portal: str,
    token: str | None,
    **parts: bool,
) -> None:
    """Bring API instances to another environment. APIS are names as in the console, or ids.

    Secrets never go along: those that are there stay, others are taken from environment variables of this command.
    """
    import os

    from portal.cli.portal_client import PortalError
    from portal.cli.transfers import connected, environment_named, gateway_named, instances_named, told_lines

    if not all("=" in each for each in urls):
        raise click.UsageError("Write --url as SERVICE=URL.")
    try:
        with connected(portal, token) as client:
            chosen = instances_named(client, environment_named(client, environment, organization), apis)
            there = environment_named(client, to, organization)
            addresses = dict(each.split("=", 1) for each in urls)
            body = {
                "instances": [each["id"] for each in chosen],
                "gateway": gateway_named(client, there, gateway)["id"],
                "urls": {each["id"]: addresses for each in chosen},
                **({"port": port} if port is not None else {}),
                **parts,
            }
            told = client.post("/api/v1/promotions/", {**body, "dry_run": True})
            given = {each["name"]: os.environ[each["name"]] for each in told["missing"] if each["name"] in os.environ}
            if given or not dry_run:
                told = client.post("/api/v1/promotions/", {**body, "variables": given, "dry_run": dry_run})
    except PortalError as error:
        raise click.ClickException(str(error)) from error
    for line in told_lines(told):
        click.echo(line)
    if not told["possible"]:
        raise click.ClickException("Nothing was changed.")
