"""What the commands about moving APIs ask of a portal."""

from collections.abc import Iterator, Sequence
from pathlib import Path
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


def gateway_named(client: PortalClient, environment: Row, name: str) -> Row:
    """Return a gateway of an environment by short name or id. Raises `PortalError`."""
    for each in client.every("/api/v1/gateways/", environment=environment["id"]):
        if name in (each["slug"], each["id"], each["name"]):
            return each
    raise PortalError(f"There is no gateway {name} in {environment['name']}.")


def files_at(paths: Sequence[str]) -> list[dict[str, str]]:
    """Return files, and those of folders in order of their names, as the interface takes them. Raises `PortalError`."""
    found = []
    for given in map(Path, paths):
        inside = sorted(path for path in given.rglob("*.y*ml") if path.suffix in (".yaml", ".yml"))
        for path in inside if given.is_dir() else [given]:
            try:
                found.append({"name": str(path), "content": path.read_text(encoding="utf-8")})
            except (OSError, UnicodeDecodeError) as error:
                raise PortalError(f"{path} cannot be read: {error}") from error
    if not found:
        raise PortalError("There is no .yaml file there.")
    return found


def told_lines(told: Row) -> Iterator[str]:
    """Yield what an import does as people read it in a terminal."""
    for each in told["faults"]:
        yield f"{each['file']}:{each['line']}: {each['key']}: {each['message']}"
    for each in told["missing"]:
        yield ": ".join(filter(None, (each["where"], f"Set {each['name']}", each["about"])))
    for each in told["notes"]:
        yield f"{each['file']}:{each['line']}: {each['message']} (note)"
    for change in told["changes"]:
        yield ": ".join(filter(None, (change["name"], "new" if change["is_new"] else change["state"], change["text"])))
        for each in change["differences"] if not change["is_new"] else ():
            yield f"  {each['path']}: {each['before'] or '—'} → {each['after'] or '—'}"
