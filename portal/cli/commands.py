"""The commands. Each one imports what it needs when it runs, so that `--help` is immediate."""

import sys

import click

from portal.cli.audit_commands import audit
from portal.cli.key_commands import keys
from portal.cli.rollout_commands import rollout
from portal.cli.transfer_commands import export, promote, take_in


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def portico() -> None:
    """Run and steer Portico on this machine."""


@portico.command()
@click.option("-v", "--verbose", is_flag=True, help="Show every process's log here, too.")
def up(verbose: bool) -> None:
    """Start everything and stay: Redis, portal, jobs, gateway and the demo company. Ctrl-C stops it."""
    from portal.cli.up.launch import launch
    from portal.cli.up.terminal import Terminal

    sys.exit(launch(Terminal(verbose=verbose)))


@portico.group()
def gateway() -> None:
    """Run a gateway by itself, or look at its declarative files."""


@gateway.command()
def start() -> None:
    """Start the demo gateway alone, from its registration. Ctrl-C stops it."""
    from portal.cli.up.launch import launch_gateway
    from portal.cli.up.terminal import Terminal

    sys.exit(launch_gateway(Terminal(verbose=True)))


@gateway.command()
@click.argument("name")
@click.option(
    "--token", envvar="PORTICO_REGISTRATION_TOKEN", metavar="TOKEN", help="The one-time token of the gateway's page."
)
@click.option(
    "--url", envvar="PORTICO_PORTAL_URL", default="http://localhost:8000", show_default=True, metavar="URL",
    help="Where the portal is.",
)  # fmt: skip
@click.option(
    "-o", "--output-file", default="registration.yaml", show_default=True, metavar="FILE", help="The file to write."
)
@click.option("--overwrite", is_flag=True, help="Replace the file when it is there.")
def register(name: str, token: str | None, url: str, output_file: str, overwrite: bool) -> None:
    """Register this machine as a replica of the gateway NAME, and write its registration."""
    from pathlib import Path

    from portal.cli import register as registering

    if not token:
        raise click.ClickException(
            "Give the one-time token with --token or in PORTICO_REGISTRATION_TOKEN. Add replica on the gateway's page "
            "makes one."
        )
    if registering.is_exposed(url):
        click.echo(
            "The connection to the portal is not encrypted: others may read the registration. Use https.", err=True
        )
    try:
        registering.register(name=name, token=token, url=url, output=Path(output_file), overwrite=overwrite)
    except registering.RegisterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Written: {output_file}")
    click.echo(f"Start the gateway: python -m gateway_runtime --registration {output_file}", err=True)


@gateway.command()
@click.option("--config", required=True, metavar="PATH", help="Folder or file of declarative configuration.")
@click.option("--output-directory", metavar="DIR", help="Write one file for each part instead.")
def dump(config: str, output_directory: str | None) -> None:
    """Show what declarative files mean: generated names, defaults, order. Faults go to standard error."""
    import subprocess

    command = [sys.executable, "-m", "gateway_runtime", "dump", "--config", config]
    if output_directory is not None:
        command += ["--output-directory", output_directory]
    # The gateway reads its files itself, so that what is shown is what it would serve.
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603


@portico.group()
def policy() -> None:
    """Write policies of your own."""


@policy.command()
@click.argument("name")
@click.option("--folder", metavar="DIR", help="Where to write them; without, the folder of PORTICO_POLICIES.")
def new(name: str, folder: str | None) -> None:
    """Write the file of a new policy, and its test."""
    from portal.cli.policies import new_policy

    for path in new_policy(name, folder):
        click.echo(f"Written: {path}")


@policy.command("check")
def check_policies() -> None:
    """Say of every custom policy whether it can be used."""
    from portal.cli.policies import check_custom

    names, faults = check_custom()
    for title in names:
        click.echo(title)
    for fault in faults:
        click.echo(fault, err=True)
    if not names and not faults:
        click.echo("There are no custom policies. `portico policy new NAME` writes one.", err=True)
    sys.exit(1 if faults else 0)


@portico.group()
def demo() -> None:
    """Steer the demo company."""


@demo.command()
@click.argument("state", type=click.Choice(["on", "off"]))
def traffic(state: str) -> None:
    """Switch the demo company's background traffic on or off."""
    from portal.cli.up.settings import home_folder
    from portal.demo.traffic.switch import traffic_switch
    from portal.env import EnvError

    try:
        traffic_switch(home=home_folder(), on=state == "on")
    except (EnvError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Demo traffic is {state}.")


@portico.command()
@click.argument("request_id")
@click.option(
    "--portal", envvar="PORTICO_PORTAL_URL", default="http://localhost:8000", show_default=True, metavar="URL"
)
@click.option("--token", envvar="PORTICO_TOKEN", metavar="TOKEN", help="An API token; better in PORTICO_TOKEN.")
def why(request_id: str, portal: str, token: str | None) -> None:
    """Tell what happened to a request, by the id in the X-Request-Id header of its answer."""
    from portal.cli.portal_client import NO_TOKEN, PortalError
    from portal.cli.why import trace_lines, traces_fetch

    if not token:
        raise click.ClickException(NO_TOKEN)
    try:
        found = traces_fetch(portal=portal, token=token, request_id=request_id)
    except PortalError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(
            "Nothing is known of this request. Refused and traced requests are kept for a day; to trace one, make a "
            "token on its API's page and send it again."
        )
    click.echo("\n\n".join("\n".join(trace_lines(trace)) for trace in found))


portico.add_command(export)
portico.add_command(audit)
portico.add_command(keys)
portico.add_command(take_in)
portico.add_command(promote)
portico.add_command(rollout)
