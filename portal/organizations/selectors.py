"""Questions about organizations and roles."""

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.organizations.models import Environment, Organization, Role, RoleBinding
from portal.organizations.roles import rank


def highest_role(*, user: User, organization: Organization, environment: Environment | None) -> str:
    """Return the highest role that a person holds in this place, "" for none.

    A role in the whole organization holds in each of its environments, never the other way round.
    """
    bindings = RoleBinding.objects.filter(user=user, organization=organization)
    places = [None] if environment is None else [None, environment.pk]
    held = [role for role, place in bindings.values_list("role", "environment_id") if place in places]
    return max(held, key=rank, default="") if user.is_active else ""


def other_owners(*, binding: RoleBinding) -> QuerySet[RoleBinding]:
    """Return the whole organization's other owners who can sign in."""
    owners = RoleBinding.objects.filter(
        organization_id=binding.organization_id, environment__isnull=True, role=Role.OWNER, user__is_active=True
    )
    return owners.exclude(pk=binding.pk)


def grantable_roles(
    *, user: User, organization: Organization, environment: Environment | None = None
) -> list[tuple[str, str]]:
    """Return the roles (value, label) that a person may give there: none above their own."""
    held = rank(highest_role(user=user, organization=organization, environment=environment))
    return [(role.value, role.label) for role in Role if rank(role) <= held]
