"""Staged changes as commands ask for them, over REST."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from portal.cli import transfers
from portal.cli.portal_client import PortalClient, PortalError


@contextmanager
def asked(portal: str, token: str | None) -> Iterator[PortalClient]:
    """Connect to a portal; what it refuses ends the command with its sentence."""
    try:
        with transfers.connected(portal, token) as client:
            yield client
    except PortalError as error:
        raise click.ClickException(" ".join([str(error), *error.fields.values()])) from error


def gateway_of(client: PortalClient, environment: str, organization: str | None, gateway: str) -> dict[str, Any]:
    """Return a gateway by its name in addresses, or its id."""
    return transfers.gateway_named(client, transfers.environment_named(client, environment, organization), gateway)


def rollouts_of(client: PortalClient, environment: str, organization: str | None) -> list[tuple[str, dict[str, Any]]]:
    """Return the rollouts of an environment with the names of their gateways."""
    place = transfers.environment_named(client, environment, organization)
    names = {row["id"]: row["name"] for row in client.every("/api/v1/gateways/", environment=place["id"])}
    return [(names[row["gateway"]], row) for row in client.every("/api/v1/rollouts/") if row["gateway"] in names]


def open_rollout_of(client: PortalClient, environment: str, organization: str | None, gateway: str) -> dict[str, Any]:
    """Return what is staged on a gateway now. Raises `PortalError` where nothing is."""
    found = gateway_of(client, environment, organization, gateway)
    for row in client.every("/api/v1/rollouts/", gateway=found["id"], state="open"):
        return row
    raise PortalError(f"Nothing is staged on {found['name']}.")


def rollout_line(gateway: str, row: dict[str, Any]) -> str:
    """Return a rollout in one line."""
    who = f"{row['percent']:g} %" if row["kind"] == "percent" else f"replica {row['replica_id'][:8]}"
    numbers = f"revision {row['candidate_number'] or '…'} beside {row['stable_number']}"
    end = f", by {row['ended_by']}" if row["ended_by"] else ""
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{gateway}: {numbers}, {who}, {row['state']}{end}{reason}"
