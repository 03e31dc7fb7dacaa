"""What each built-in role may do, and where a user may do it."""

from typing import Any
from uuid import UUID

from portal.core.permissions import Scope
from portal.organizations.models import Role, RoleBinding

VIEW = frozenset({
    "organization.view", "environment.view", "api.view", "gateway.view", "instance.view", "policy.view",
    "contract.view", "revision.view", "traffic.view", "audit.view", "people.view",
})  # fmt: skip
CHANGE = frozenset({
    "api.change", "instance.change", "policy.change", "contract.approve", "gateway.publish", "traffic.trace",
})  # fmt: skip
OWN = frozenset({"organization.change", "environment.change", "gateway.change", "people.change", "tier.change"})

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OWNER: VIEW | CHANGE | OWN,
    Role.EDITOR: VIEW | CHANGE | {"tier.change"},
    Role.VIEWER: VIEW,
}


# Lowest first; "" is no role.
_RANKS = ("", Role.VIEWER, Role.EDITOR, Role.OWNER)


def rank(role: str) -> int:
    """Return how high a role is: more includes less, no role is 0."""
    return _RANKS.index(role)


def scope_of(user: Any, permission: str) -> Scope:
    """Return where `user` holds `permission`. Raises `ValueError` for a permission that does not exist."""
    if permission not in PERMISSIONS[Role.OWNER]:
        raise ValueError(f"There is no permission {permission!r}.")
    if not user.is_active:
        return Scope()
    roles = [role for role, held in PERMISSIONS.items() if permission in held]
    organizations: set[UUID] = set()
    environments: set[UUID] = set()
    around: set[UUID] = set()
    for organization_id, environment_id in RoleBinding.objects.filter(user=user, role__in=roles).values_list(
        "organization_id", "environment_id"
    ):
        if environment_id is None:
            organizations.add(organization_id)
        else:
            environments.add(environment_id)
            around.add(organization_id)
    return Scope(organizations=frozenset(organizations), environments=frozenset(environments), around=frozenset(around))
