"""What the commands about moving APIs ask of a portal."""

from collections.abc import Sequence
from typing import Any

import httpx2

from portal.cli.portal_client import NO_TOKEN, PortalClient, PortalError

Row = dict[str, Any]


def connected(portal: str, token: str | None, transport: httpx2.BaseTransport | None = None) -> PortalClient:
    """Return the portal to be asked. Raises `PortalError` without a token."""
    if not token:
        raise PortalError(NO_TOKEN)
    return PortalClient(portal=portal, token=token, transport=transport)


def environment_named(client: PortalClient, name: str, organization: str | None) -> Row:
    """Return an environment by the name that addresses have. Raises `PortalError` unless there is exactly one."""
    found = list(client.every("/api/v1/environments/", slug=name))
    if organization is not None:
        ids = {each["id"] for each in client.every("/api/v1/organizations/") if each["slug"] == organization}
        found = [each for each in found if each["organization"] in ids]
    if not found:
        raise PortalError(f"There is no environment {name} that this token may see.")
    if len(found) > 1:
        raise PortalError(f"Several organizations have an environment {name}. Give --organization.")
    return found[0]


def instances_named(client: PortalClient, environment: Row, names: Sequence[str] | None) -> list[Row]:
    """Return instances by name or id, all without `names`. Raises `PortalError` for one that is not there."""
    rows = list(client.every("/api/v1/api-instances/", environment=environment["id"]))
    if names is None:
        return rows
    chosen = []
    for name in names:
        found = [each for each in rows if name in (each["id"], each["name"])]
        if not found:
            raise PortalError(f"There is no API instance {name} in {environment['name']}.")
        if len(found) > 1:
            raise PortalError(f"Several API instances are named {name}. Give the id of one.")
        chosen += found
    return chosen
