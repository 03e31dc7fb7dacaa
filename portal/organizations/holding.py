"""Who holds which permissions where: asked once in a request, and again after a role has changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.core.permission_areas import ALL
from portal.core.permissions import Scope
from portal.organizations.models import Environment, Organization, RoleBinding, TeamRole
from portal.organizations.roles import permissions_named


@dataclass(frozen=True, slots=True)
class Held:
    """What one role gives, a person's own or a team's.

    It holds in a whole organization (`environment` None) or in one environment.
    `below` says that it holds in the business groups below too, each of which has a `Held` of its own.
    """

    organization: UUID
    environment: UUID | None
    permissions: frozenset[str]
    below: bool = False


# By person and limit of their token; None outside of a request, where nothing is remembered.
_remembered: ContextVar[dict[tuple[UUID, frozenset[str] | None], tuple[Held, ...]] | None] = ContextVar(
    "held_roles", default=None
)


@contextmanager
def remembered_roles() -> Iterator[None]:
    """Remember what people hold until the end of a request."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


def forget_roles() -> None:
    """Look again at the next question: every service that changes a role or a binding ends with this."""
    if (known := _remembered.get()) is not None:
        known.clear()


def held_by(user: Any) -> tuple[Held, ...]:
    """Return everything that a person holds, with one query. With an API token that is limited, no more than it may."""
    if not user.is_authenticated or not user.is_active:
        return ()
    known = _remembered.get()
    limit = user.limit
    if known is not None and (user.pk, limit) in known:
        return known[user.pk, limit]
    what = ("environment_id", "role", "custom_role__granted", "holds_below")
    own = RoleBinding.objects.filter(user=user).values_list("organization_id", *what, "organization__below")
    teams = TeamRole.objects.filter(team__members__user=user)
    by_teams = teams.values_list("team__organization_id", *what, "team__organization__below")
    bindings = own.order_by().union(by_teams.order_by())
    # A role comes once for each business group below its organization.
    everything: set[Held] = set()
    for organization, environment, role, granted, below, group in bindings:
        permissions = permissions_named(role, granted)
        if limit is not None:
            permissions &= limit
        everything.add(Held(organization, environment, permissions, below))
        if below and group is not None:
            everything.add(Held(group, None, permissions, below))
    found = tuple(everything)
    if known is not None:
        known[user.pk, limit] = found
    return found


def scope_of(user: Any, permission: str) -> Scope:
    """Return where `user` holds `permission`. Raises `ValueError` for a permission that does not exist."""
    if permission not in ALL:
        raise ValueError(f"There is no permission {permission!r}.")
    held = [each for each in held_by(user) if permission in each.permissions]
    return Scope(
        organizations=frozenset(each.organization for each in held if each.environment is None),
        environments=frozenset(each.environment for each in held if each.environment is not None),
        around=frozenset(each.organization for each in held if each.environment is not None),
    )


def held_permissions(
    user: Any, organization: Organization | UUID, environment: Environment | None = None, *, below: bool = False
) -> frozenset[str]:
    """Return every permission that a person holds in an environment, or in a whole organization.

    A role in the whole organization holds in each of its environments, never the other way round. With `below`, only
    what holds in the business groups below too.
    """
    place = organization.pk if isinstance(organization, Organization) else organization
    here = (None,) if environment is None else (None, environment.pk)
    held = (
        each.permissions
        for each in held_by(user)
        if each.organization == place and each.environment in here and (each.below or not below)
    )
    return frozenset().union(*held)
