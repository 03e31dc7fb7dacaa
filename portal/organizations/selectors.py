"""Questions about organizations and roles."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.core.errors import ApplicationError
from portal.organizations.holding import held_permissions
from portal.organizations.models import CustomRole, Environment, Organization, Role, RoleBinding, TeamMember, TeamRole
from portal.organizations.roles import PERMISSIONS


@dataclass(frozen=True, slots=True)
class NamedRole:
    """A role as people name it. `key` is a built-in role's name or a custom role's id."""

    key: str
    title: str
    permissions: frozenset[str]
    custom: CustomRole | None = None


def _built_in(role: Role) -> NamedRole:
    return NamedRole(role.value, str(role.label), PERMISSIONS[role])


def _custom(role: CustomRole) -> NamedRole:
    return NamedRole(str(role.pk), role.name, role.permissions, role)


def roles_of(*, organization: Organization) -> list[NamedRole]:
    """Return the roles there are in an organization, the built-in ones first."""
    return [*map(_built_in, Role), *map(_custom, organization.custom_roles.order_by("name"))]


def role_named(*, organization: Organization, key: str) -> NamedRole:
    """Return a role by its key; an `ApplicationError` beside `role` when there is none."""
    if key in Role.values:
        return _built_in(Role(key))
    try:
        return _custom(organization.custom_roles.get(pk=UUID(key)))
    except (ValueError, CustomRole.DoesNotExist) as error:
        sentence = "There is no such role here. Choose one of the list."
        raise ApplicationError("role_unknown", sentence, fields={"role": sentence}) from error


def roles_with(*, organization: Organization, permission: str) -> list[str]:
    """Return the names of the roles that include a permission."""
    return [role.title for role in roles_of(organization=organization) if permission in role.permissions]


def people_with(*, environment: Environment, permission: str) -> QuerySet[User]:
    """Return the active people who hold a permission in an environment."""
    built_in = [role for role, held in PERMISSIONS.items() if permission in held]
    place = environment.organization_id
    anywhere = Q(environment=environment) | Q(environment=None)
    includes = Q(role__in=built_in) | Q(custom_role__granted__contains=f" {permission} ")
    own = RoleBinding.objects.filter(
        (Q(organization=place) & anywhere) | Q(organization__below=place, holds_below=True), includes
    )
    teams = TeamRole.objects.filter(
        (Q(team__organization=place) & anywhere) | Q(team__organization__below=place, holds_below=True), includes
    )
    members = TeamMember.objects.filter(team__in=teams.values("team"))
    return User.objects.filter(Q(pk__in=own.values("user")) | Q(pk__in=members.values("user")), is_active=True)


def binding_of(
    *, user: User, organization: Organization, environment: Environment | None, role: NamedRole
) -> RoleBinding | None:
    """Return the binding by which a person holds a role in a place."""
    which = {"custom_role": role.custom} if role.custom is not None else {"role": role.key}
    return RoleBinding.objects.filter(user=user, organization=organization, environment=environment, **which).first()


def other_owners(*, binding: RoleBinding) -> QuerySet[RoleBinding]:
    """Return the whole organization's other owners who can sign in."""
    owners = RoleBinding.objects.filter(
        organization_id=binding.organization_id, environment__isnull=True, role=Role.OWNER, user__is_active=True
    )
    return owners.exclude(pk=binding.pk)


def may_give_below(*, user: User, organization: Organization) -> bool:
    """Tell whether a person can give roles in business groups below, or in those made later."""
    return "people.change" in held_permissions(user, organization, below=True)


def bindings_from_above(*, organization: Organization) -> QuerySet[RoleBinding]:
    """Return the roles that hold in a business group because they do in an organization above it."""
    bindings = RoleBinding.objects.filter(organization__below=organization, holds_below=True)
    return bindings.select_related("user", "organization", "custom_role").order_by("user__name", "pk")


def grantable_roles(
    *, user: User, organization: Organization, environment: Environment | None = None
) -> list[tuple[str, str]]:
    """Return the roles (key, title) that a person may give there: those of which they hold every permission."""
    held = held_permissions(user, organization, environment)
    return [(role.key, role.title) for role in roles_of(organization=organization) if role.permissions <= held]
