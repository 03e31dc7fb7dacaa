"""Every permission there is, with its words, in the areas of the permission matrix."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that a role lets somebody do. `needs` are permissions without which it would lead nowhere."""

    name: str
    title: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """What belongs together: one row of the matrix."""

    title: str
    see: Permission
    change: tuple[Permission, ...] = ()


AREAS = (
    Area(
        "Organization",
        Permission("organization.view", "See the organization"),
        (Permission("organization.change", "Rename the organization"),),
    ),
    Area(
        "Environments",
        Permission("environment.view", "See environments"),
        (Permission("environment.change", "Add and change environments"),),
    ),
    Area(
        "People",
        Permission("people.view", "See people and their roles"),
        (Permission("people.change", "Add people and give roles", ("people.view",)),),
    ),
    Area(
        "Catalog",
        Permission("api.view", "See APIs and their pages"),
        (
            Permission("api.change", "Add and change APIs", ("api.view",)),
            Permission("api.deprecate", "Deprecate versions of APIs", ("api.view",)),
        ),
    ),
    Area(
        "API instances",
        Permission("instance.view", "See configurations", ("api.view", "gateway.view")),
        (Permission("instance.change", "Change configurations", ("instance.view", "api.view", "gateway.view")),),
    ),
    Area(
        "Policies",
        Permission("policy.view", "See policies", ("instance.view", "api.view", "gateway.view")),
        (Permission("policy.change", "Change policies", ("policy.view", "instance.view", "api.view", "gateway.view")),),
    ),
    Area(
        "Contracts",
        Permission("contract.view", "See contracts and SLA tiers"),
        (
            Permission("contract.approve", "Decide on contracts", ("contract.view",)),
            Permission("tier.change", "Change SLA tiers", ("contract.view",)),
        ),
    ),
    Area(
        "Gateways",
        Permission("gateway.view", "See gateways"),
        (Permission("gateway.change", "Add and change gateways", ("gateway.view",)),),
    ),
    Area(
        "Revisions",
        Permission("revision.view", "See revisions", ("gateway.view",)),
        (Permission("gateway.publish", "Publish, stage and restore", ("gateway.view", "revision.view")),),
    ),
    Area(
        "Traffic",
        Permission("traffic.view", "See analytics and traces"),
        (Permission("traffic.trace", "Trace calls and rehearse changes", ("traffic.view",)),),
    ),
    Area(
        "Alerts",
        Permission("alert.view", "See alerts"),
        (Permission("alert.change", "Change alerts", ("alert.view",)),),
    ),
    Area("Audit log", Permission("audit.view", "See who changed what")),
)

# Without these nobody finds the way to anything: they are part of every role.
ALWAYS = frozenset({"organization.view", "environment.view"})

BY_NAME = {permission.name: permission for area in AREAS for permission in (area.see, *area.change)}
ALL = frozenset(BY_NAME)
# What lets nobody change anything.
SEEING = frozenset(name for name in ALL if name.endswith(".view"))


# What belongs to a person and to no role, for tokens: client applications, requests for access, tokens, saved views.
OWN = Permission("own.change", "Change what is your own: applications, requests for access, tokens")


def completed(names: Iterable[str]) -> frozenset[str]:
    """Return permissions with all that they need. Raises `KeyError` for one that does not exist."""
    found = set(ALWAYS)
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting.update(set(BY_NAME[name].needs) - found if name != OWN.name else ())
    return frozenset(found)


def in_order(names: Iterable[str]) -> list[str]:
    """Return permissions as the matrix has them."""
    held = set(names)
    return [name for name in (*BY_NAME, OWN.name) if name in held]
