"""Changes to the roles that an organization makes for itself."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from portal.accounts.models import User
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.core.permission_areas import ALL, ALWAYS, completed, in_order
from portal.organizations.holding import forget_roles
from portal.organizations.models import CustomRole, Organization, Role
from portal.organizations.services import check_may_give

MAXIMUM_ROLES = 100


def _set(role: CustomRole, name: str, description: str, permissions: Iterable[str]) -> None:
    chosen = frozenset(permissions)
    if unknown := sorted(chosen - ALL):
        sentence = f"There is no permission “{unknown[0]}”."
        raise ApplicationError("permission_unknown", sentence, fields={"permissions": sentence})
    if not chosen - ALWAYS:
        sentence = "Choose what the role lets people do: without that it would give nothing."
        raise ApplicationError("permissions_missing", sentence, fields={"permissions": sentence})
    role.name, role.description = " ".join(name.split()), description.strip()
    if role.name.lower() in {str(label).lower() for label in Role.labels}:
        sentence = f"“{role.name}” is a built-in role. Choose another name."
        raise ApplicationError("role_name_taken", sentence, fields={"name": sentence})
    role.granted = f" {' '.join(in_order(completed(chosen)))} "


def _save(role: CustomRole) -> None:
    role.save_checked()
    forget_roles()


def _shown(role: CustomRole) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "permissions": in_order(role.permissions)}


def _check(actor: User | None, role: CustomRole, permissions: frozenset[str]) -> None:
    """Refuse what would let people do more, or less, than the actor may in the whole organization."""
    below = role.bindings.filter(holds_below=True).exists() or role.team_roles.filter(holds_below=True).exists()
    try:
        check_may_give(actor, permissions, role.name, role.organization, below=below)
    except ApplicationError as error:
        sentence = error.message.replace("give or take", "make, change or delete")
        raise ApplicationError(error.code, sentence, fields={"permissions": sentence}, status=403) from error


@transaction.atomic
def custom_role_create(
    *, actor: User | None, organization: Organization, name: str, permissions: Iterable[str], description: str = ""
) -> CustomRole:
    """Make a role of permissions, each with what it needs. Nobody puts in what they do not hold."""
    # Locked, so that the limit holds for two people at once too.
    Organization.objects.select_for_update().get(pk=organization.pk)
    if organization.custom_roles.count() >= MAXIMUM_ROLES:
        raise ApplicationError(
            "custom_roles_too_many", f"There are already {MAXIMUM_ROLES} roles. Delete one that nobody holds."
        )
    role = CustomRole(organization=organization)
    _set(role, name, description, permissions)
    _check(actor, role, role.permissions)
    _save(role)
    audit_record(actor=actor, action="custom_role.create", target=role, after=_shown(role))
    return role


@transaction.atomic
def custom_role_change(
    *, actor: User | None, custom_role: CustomRole, name: str, permissions: Iterable[str], description: str = ""
) -> CustomRole:
    """Change a role for everybody who holds it, at once."""
    before = _shown(custom_role)
    _check(actor, custom_role, custom_role.permissions)
    _set(custom_role, name, description, permissions)
    # Before it is saved: somebody who holds this role would else hold already what they put in.
    _check(actor, custom_role, custom_role.permissions)
    _save(custom_role)
    if (after := _shown(custom_role)) != before:
        audit_record(actor=actor, action="custom_role.change", target=custom_role, before=before, after=after)
    return custom_role


@transaction.atomic
def custom_role_delete(*, actor: User | None, custom_role: CustomRole) -> None:
    """Delete a role that nobody holds."""
    _check(actor, custom_role, custom_role.permissions)
    if (team := custom_role.team_roles.select_related("team").first()) is not None:
        raise ApplicationError(
            "custom_role_held",
            f"The team {team.team} has the role {custom_role}. Take it from the team first.",
            status=409,
        )
    holders = custom_role.bindings.count()
    if holders:
        people = "One person holds" if holders == 1 else f"{holders} people hold"
        raise ApplicationError(
            "custom_role_held", f"{people} the role {custom_role}. Take it from them first.", status=409
        )
    audit_record(actor=actor, action="custom_role.delete", target=custom_role, before=_shown(custom_role))
    custom_role.delete()
    forget_roles()
