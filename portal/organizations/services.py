"""Changes to organizations, their environments, and who holds which role where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from portal.accounts.models import User
from portal.accounts.selectors import user_by_email
from portal.accounts.services import invitation_link, user_create
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.core.permission_areas import ALL, BY_NAME, in_order
from portal.organizations.holding import forget_roles, held_permissions
from portal.organizations.models import Environment, EnvironmentKind, Organization, Role, RoleBinding, TeamRole
from portal.organizations.reactions import environment_changed
from portal.organizations.roles import permissions_of
from portal.organizations.selectors import NamedRole, binding_of, other_owners, role_named

# Words that addresses might need beside organizations and environments.
RESERVED_SLUGS = frozenset({"new", "edit", "delete", "settings", "all"})
# Letters and digits that are not mistaken for one another.
READABLE = "abcdefghijkmnpqrstuvwxyz23456789"
# Levels of business groups below an organization.
DEEPEST = 8
STANDARD_ENVIRONMENTS = (("Production", EnvironmentKind.PRODUCTION), ("Sandbox", EnvironmentKind.SANDBOX))


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody added to an organization. `link` is where a new person chooses a password; empty for a known one."""

    binding: RoleBinding
    link: str


def _new_slug(name: str, slug: str, siblings: Any, kind: str) -> str:
    """Return the short name to use: the one given, or one made of the name."""
    slug = slug or slugify(name)[:50]
    sentence = ""
    if not slug:
        sentence = "Give a short name of letters, digits and hyphens: it becomes part of addresses."
    elif slug in RESERVED_SLUGS:
        sentence = f"“{slug}” is kept for Portico's own addresses. Choose another short name."
    elif siblings.filter(slug=slug).exists():
        sentence = f"There is already an {kind} with the short name “{slug}”. Choose another."
    if sentence:
        raise ApplicationError("slug_unusable", sentence, fields={"slug": sentence})
    return slug


def _check(row: Any) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        fields = {name: " ".join(messages) for name, messages in error.message_dict.items()}
        raise ApplicationError("invalid", next(iter(fields.values())), fields=fields) from error


def _check_may_have_group(actor: User | None, parent: Organization) -> None:
    if actor is not None and held_permissions(actor, parent) != ALL:
        sentence = f"Only owners of {parent} make business groups below it."
        raise ApplicationError("group_denied", sentence, fields={"parent": sentence}, status=403)
    if parent.above.count() >= DEEPEST:
        sentence = f"Business groups go {DEEPEST} levels deep. Make this one further up."
        raise ApplicationError("group_too_deep", sentence, fields={"parent": sentence})


@transaction.atomic
def organization_create(
    *,
    actor: User | None,
    name: str,
    slug: str = "",
    owner: User | None = None,
    environments: Sequence[tuple[str, EnvironmentKind]] = STANDARD_ENVIRONMENTS,
    parent: Organization | None = None,
) -> Organization:
    """Create an organization with its first owner (`owner`, or whoever creates it) and its first environments.

    With `parent` it is a business group below that organization, made by those who hold everything there.
    """
    owner = owner or actor
    if owner is None:
        raise ApplicationError("owner_missing", "An organization needs an owner. Name one.")
    if parent is not None:
        _check_may_have_group(actor, parent)
    slug = _new_slug(name, slug, Organization.objects, "organization")
    organization = Organization(name=name.strip(), slug=slug, parent=parent)
    _check(organization)
    organization.save()
    if parent is not None:
        organization.above.set([parent, *parent.above.all()])
    RoleBinding.objects.create(user=owner, organization=organization, role=Role.OWNER, holds_below=True)
    forget_roles()
    audit_record(
        actor=actor or owner,
        action="organization.create",
        target=organization,
        after={"name": organization.name, "slug": organization.slug, "owner": owner.email}
        | ({"parent": parent.name} if parent is not None else {}),
    )
    for environment_name, kind in environments:
        environment_create(actor=actor or owner, organization=organization, name=environment_name, kind=kind)
    return organization


@transaction.atomic
def organization_rename(*, organization: Organization, actor: User, name: str) -> Organization:
    """Change how an organization is shown. Its short name stays."""
    before, organization.name = organization.name, name.strip()
    _check(organization)
    organization.save()
    audit_record(
        actor=actor,
        action="organization.change",
        target=organization,
        before={"name": before},
        after={"name": organization.name},
    )
    return organization


def _shown(environment: Environment) -> dict[str, Any]:
    names = ("name", "slug", "kind", "colour", "allow_private_targets")
    return {name: getattr(environment, name) for name in names}


def _environment_recorded(environment: Environment, actor: User, doing: str, **changed: Any) -> None:
    audit_record(
        actor=actor,
        action=f"environment.{doing}",
        target=environment,
        **changed,
    )


@transaction.atomic
def environment_create(
    *,
    actor: User,
    organization: Organization,
    name: str,
    slug: str = "",
    kind: str = EnvironmentKind.SANDBOX,
    colour: str = "",
    allow_private_targets: bool = False,
) -> Environment:
    """Create an environment."""
    environment = Environment(
        organization=organization,
        name=name.strip(),
        slug=_new_slug(name, slug, organization.environments, "environment"),
        kind=kind,
        colour=colour,
        allow_private_targets=allow_private_targets,
    )
    _check(environment)
    environment.save()
    _environment_recorded(environment, actor, "create", after=_shown(environment))
    return environment


@transaction.atomic
def environment_change(
    *,
    environment: Environment,
    actor: User,
    name: str,
    kind: str,
    allow_private_targets: bool,
    colour: str | None = None,
) -> Environment:
    """Change an environment. Its short name stays: addresses know it by that."""
    before = _shown(environment)
    environment.name, environment.kind = name.strip(), kind
    environment.allow_private_targets = allow_private_targets
    environment.colour = environment.colour if colour is None else colour
    _check(environment)
    environment.save()
    after = _shown(environment)
    if after != before:
        _environment_recorded(environment, actor, "change", before=before, after=after)
    # A colour is nothing to a gateway.
    if {**after, "colour": ""} != {**before, "colour": ""}:
        environment_changed(environment=environment, actor=actor)
    return environment


def check_may_give(
    actor: User | None,
    permissions: frozenset[str],
    title: str,
    organization: Organization,
    environment: Environment | None = None,
    *,
    below: bool = False,
) -> None:
    """Refuse to give or take what one does not hold oneself in that place. The system (None) may everything."""
    if actor is None:
        return
    missing = permissions - held_permissions(actor, organization, environment, below=below)
    if missing:
        first = BY_NAME[in_order(missing)[0]]
        sentence = (
            f"You may not give or take the role {title} {'in the groups below' if below else 'here'}: "
            f"it includes “{first.title}” ({first.name}), which you do not hold yourself{' there' if below else ''}."
        )
        raise ApplicationError("role_above_own", sentence, fields={"role": sentence}, status=403)


def _check_may_take(actor: User | None, binding: RoleBinding) -> None:
    check_may_give(
        actor,
        permissions_of(binding),
        binding.title,
        binding.organization,
        binding.environment,
        below=binding.holds_below,
    )


def _check_owner_remains(binding: RoleBinding) -> None:
    if binding.role == Role.OWNER and binding.environment_id is None:
        # Locked, so that two owners cannot remove each other at the same moment.
        Organization.objects.select_for_update().get(pk=binding.organization_id)
        if not other_owners(binding=binding).exists():
            sentence = f"{binding.user} is the last owner of {binding.organization}. Make somebody else owner first."
            raise ApplicationError("last_owner", sentence, fields={"role": sentence}, status=409)


def _role_recorded(binding: RoleBinding, actor: User | None, doing: str, **changed: Any) -> None:
    forget_roles()
    audit_record(
        actor=actor,
        action=f"role.{doing}",
        target=binding,
        **changed,
    )


def _said(binding: RoleBinding) -> dict[str, Any]:
    """Return what the audit log says of a binding: a custom role by its name, which outlives it."""
    said = {"person": binding.user.email, "role": binding.role or binding.title}
    return said | ({"holds_below": True} if binding.holds_below else {})


def _give(binding: RoleBinding, role: NamedRole) -> None:
    binding.role, binding.custom_role = ("", role.custom) if role.custom is not None else (role.key, None)
    _check(binding)
    binding.save()


@transaction.atomic
def role_grant(
    *,
    actor: User | None,
    user: User,
    organization: Organization,
    environment: Environment | None = None,
    role: str,
    holds_below: bool = False,
) -> RoleBinding:
    """Give a person one more role in an organization or in one of its environments.

    `role` is the name of a built-in role or the id of a custom one. With `holds_below` it holds in the business groups
    below too.
    """
    if environment is not None and environment.organization_id != organization.pk:
        sentence = "This environment belongs to another organization."
        raise ApplicationError("environment_elsewhere", sentence, fields={"environment": sentence})
    if environment is not None and holds_below:
        sentence = "A role in one environment does not reach business groups. Give it in the whole organization."
        raise ApplicationError("below_an_environment", sentence, fields={"holds_below": sentence})
    named = role_named(organization=organization, key=role)
    check_may_give(actor, named.permissions, named.title, organization, environment, below=holds_below)
    held = binding_of(user=user, organization=organization, environment=environment, role=named)
    if held is not None:
        return role_change(actor=actor, binding=held, role=role, holds_below=True) if holds_below else held
    binding = RoleBinding(user=user, organization=organization, environment=environment, holds_below=holds_below)
    _give(binding, named)
    _role_recorded(binding, actor, "grant", after=_said(binding))
    return binding


@transaction.atomic
def role_change(*, actor: User | None, binding: RoleBinding, role: str, holds_below: bool | None = None) -> RoleBinding:
    """Give a person another role instead of one they hold, or let it hold below or not, in the same place."""
    named = role_named(organization=binding.organization, key=role)
    below = binding.holds_below if holds_below is None else holds_below
    if named.key == binding.role_key and below == binding.holds_below:
        return binding
    check_may_give(actor, named.permissions, named.title, binding.organization, binding.environment, below=below)
    _check_may_take(actor, binding)
    if named.key != binding.role_key:
        _check_owner_remains(binding)
        _check_not_held(binding, named)
    before = _said(binding)
    binding.holds_below = below
    _give(binding, named)
    _role_recorded(binding, actor, "change", before=before, after=_said(binding))
    return binding


def _check_not_held(binding: RoleBinding, named: NamedRole) -> None:
    if binding_of(user=binding.user, organization=binding.organization, environment=binding.environment, role=named):
        sentence = f"{binding.user} already holds the role {named.title} there. Remove this one instead."
        raise ApplicationError("role_exists", sentence, fields={"role": sentence}, status=409)


@transaction.atomic
def role_invite(
    *,
    actor: User,
    organization: Organization,
    environment: Environment | None = None,
    role: str,
    email: str,
    name: str = "",
    holds_below: bool = False,
) -> Invitation:
    """Add a person by e-mail address. For an unknown address an account is made, whose password is chosen by a link."""
    user = user_by_email(email)
    is_new = user is None
    if user is None:
        user = user_create(email=email, name=name or email.partition("@")[0], actor=actor)
    else:
        named = role_named(organization=organization, key=role)
        if binding_of(user=user, organization=organization, environment=environment, role=named) is not None:
            sentence = f"{user} already holds the role {named.title} there."
            raise ApplicationError("role_exists", sentence, fields={"email": sentence}, status=409)
    binding = role_grant(
        actor=actor, user=user, organization=organization, environment=environment, role=role, holds_below=holds_below
    )
    # Only for an account made just now: the link opens the account, so nobody gets one to somebody else's.
    return Invitation(binding, invitation_link(user=user) if is_new else "")


def invitation_renew(*, actor: User, binding: RoleBinding) -> Invitation:
    """Make a new link for a person who has never signed in; the earlier ones go on working until they expire.

    The link opens the whole account, so the actor must be able to give every role the account holds anywhere.
    """
    user = binding.user
    if user.has_usable_password() or user.sign_on_subject or user.last_login is not None:
        raise ApplicationError("invitation_used", f"{user} has an account of their own and needs no invitation.")
    for held in user.role_bindings.select_related("organization", "environment", "custom_role"):
        _check_may_take(actor, held)
    by_teams = TeamRole.objects.filter(team__members__user=user)
    for given in by_teams.select_related("team__organization", "environment", "custom_role"):
        place = given.team.organization
        check_may_give(actor, permissions_of(given), given.title, place, given.environment, below=given.holds_below)
    _role_recorded(binding, actor, "invite_again", after={"person": user.email})
    return Invitation(binding, invitation_link(user=user))


@transaction.atomic
def role_revoke(*, actor: User | None, binding: RoleBinding) -> None:
    """Take a role from a person."""
    _check_may_take(actor, binding)
    _check_owner_remains(binding)
    _role_recorded(binding, actor, "revoke", before=_said(binding))
    binding.delete()


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """Who set the installation up. `password` is set only when it was made here."""

    user: User
    organization: Organization
    password: str


@transaction.atomic
def first_owner_create(
    *, email: str, password: str = "", name: str = "", organization_name: str = "My company"
) -> FirstOwner | None:
    """Create the installation's operator with an organization of their own; None when there is an operator already."""
    if User.objects.filter(is_operator=True).exists():
        return None
    made = "" if password else "-".join(get_random_string(5, READABLE) for _ in range(4))
    user = user_create(
        email=email,
        name=name or email.partition("@")[0].capitalize(),
        password=password or made,
        email_confirmed=True,
        is_operator=True,
    )
    return FirstOwner(user, organization_create(actor=user, name=organization_name), made)
