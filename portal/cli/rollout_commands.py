"""`portico rollout`: staged changes of a gateway. Commands import what they need when they run."""

from typing import Any

import click

from portal.cli.transfer_commands import of_environment


@click.group()
def rollout() -> None:
    """See, begin, promote and undo staged changes."""


@rollout.command("list")
@of_environment
def list_rollouts(environment: str, organization: str | None, portal: str, token: str | None) -> None:
    """List the staged changes of an environment's gateways, the newest first."""
    from portal.cli.rollouts import asked, rollout_line, rollouts_of

    with asked(portal, token) as client:
        rows = rollouts_of(client, environment, organization)
    if not rows:
        click.echo("Nothing has been staged.", err=True)
    for gateway, row in rows:
        click.echo(rollout_line(gateway, row))


@rollout.command()
@click.argument("gateway")
@click.option("--percent", type=float, help="The share of the requests that gets it first; 10 without anything.")
@click.option("--replica", metavar="ID", help="The replica that gets it first, instead of a share.")
@click.option("--error-percent", type=float, help="Undo it when more than this share fails.")
@click.option("--promote-after", type=int, metavar="MINUTES", help="Promote it after so long within this budget.")
@of_environment
def start(
    gateway: str,
    percent: float | None,
    replica: str | None,
    error_percent: float | None,
    promote_after: int | None,
    environment: str,
    organization: str | None,
    portal: str,
    token: str | None,
) -> None:
    """Stage what waits on the held GATEWAY."""
    from portal.cli.rollouts import asked, gateway_of

    if percent is not None and replica is not None:
        raise click.UsageError("Give --percent or --replica, not both.")
    body: dict[str, Any] = {"kind": "replica" if replica else "percent", "replica_id": replica or ""}
    for name, value in (("percent", percent), ("error_percent", error_percent),
                        ("promote_after_minutes", promote_after)):  # fmt: skip
        if value is not None:
            body[name] = value
    with asked(portal, token) as client:
        found = gateway_of(client, environment, organization, gateway)
        client.post("/api/v1/rollouts/", {"gateway": found["id"], **body})
    click.echo(f"What waited on {found['name']} is staged.")


@rollout.command()
@click.argument("gateway")
@click.option("--candidate", type=int, metavar="NUMBER", help="Only this revision: another one is refused.")
@of_environment
def promote(
    gateway: str,
    candidate: int | None,
    environment: str,
    organization: str | None,
    portal: str,
    token: str | None,
) -> None:
    """Give the candidate of GATEWAY to all requests."""
    from portal.cli.rollouts import asked, open_rollout_of

    with asked(portal, token) as client:
        row = open_rollout_of(client, environment, organization, gateway)
        body = {} if candidate is None else {"candidate": candidate}
        revision = client.post(f"/api/v1/rollouts/{row['id']}/promote/", body)
    click.echo(f"Promoted. It is revision {revision['number']}.")


@rollout.command()
@click.argument("gateway")
@of_environment
def undo(gateway: str, environment: str, organization: str | None, portal: str, token: str | None) -> None:
    """Take the candidate of GATEWAY back. The gateway is then held."""
    from portal.cli.rollouts import asked, open_rollout_of

    with asked(portal, token) as client:
        row = open_rollout_of(client, environment, organization, gateway)
        revision = client.post(f"/api/v1/rollouts/{row['id']}/undo/", {})
    click.echo(f"Undone. It is revision {revision['number']}, and the gateway is held on it.")
