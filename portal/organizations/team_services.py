"""Changes to teams: who belongs to them, and which roles they have."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from portal.accounts.models import User
from portal.accounts.selectors import user_by_email
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.organizations.holding import forget_roles
from portal.organizations.models import Environment, Organization, Team, TeamMember, TeamRole
from portal.organizations.roles import permissions_of
from portal.organizations.selectors import role_named
from portal.organizations.services import check_may_give

MAXIMUM_GROUPS = 50


def _check_may_give(actor: User | None, role: TeamRole) -> None:
    check_may_give(
        actor,
        permissions_of(role),
        role.title,
        role.team.organization,
        role.environment,
        below=role.holds_below,
    )


def _check_may_fill(actor: User | None, team: Team) -> None:
    """Refuse to put people into a team, or take them out, whose roles one could not give them one by one."""
    for role in team.roles.select_related("team__organization", "environment", "custom_role"):
        _check_may_give(actor, role)


def _groups(groups: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(name.strip() for name in groups if name.strip()))
    sentence = ""
    if len(found) > MAXIMUM_GROUPS:
        sentence = f"Name no more than {MAXIMUM_GROUPS} groups."
    elif any(len(name) > 200 or not name.isprintable() for name in found):
        sentence = "A group is at most 200 letters long, each on a line of its own."
    if sentence:
        raise ApplicationError("groups_unusable", sentence, fields={"sign_on_groups": sentence})
    return found


def _shown(team: Team) -> dict[str, Any]:
    return {"name": team.name, "description": team.description, "sign_on_groups": team.groups}


def _set(team: Team, name: str, description: str, groups: list[str]) -> None:
    team.name, team.description, team.sign_on_groups = " ".join(name.split()), description.strip(), "\n".join(groups)
    team.save_checked()


@transaction.atomic
def team_create(
    *,
    actor: User | None,
    organization: Organization,
    name: str,
    description: str = "",
    sign_on_groups: Iterable[str] = (),
) -> Team:
    """Make a team without members and roles."""
    team = Team(organization=organization)
    _set(team, name, description, _groups(sign_on_groups))
    audit_record(actor=actor, action="team.create", target=team, after=_shown(team))
    return team


@transaction.atomic
def team_change(
    *, actor: User | None, team: Team, name: str, description: str = "", sign_on_groups: Iterable[str] = ()
) -> Team:
    """Change a team. Members by a group that is no longer named leave it at once; those by hand stay."""
    before, groups = _shown(team), _groups(sign_on_groups)
    if set(groups) != set(team.groups):
        _check_may_fill(actor, team)
    gone = set(team.groups) - set(groups)
    _set(team, name, description, groups)
    if gone:
        # Which of its groups a person has is not kept. Who still has another is back with the next sign-on.
        team.members.exclude(issuer="").delete()
        forget_roles()
    if (after := _shown(team)) != before:
        audit_record(actor=actor, action="team.change", target=team, before=before, after=after)
    return team


@transaction.atomic
def team_delete(*, actor: User | None, team: Team) -> None:
    """Delete a team. Its members lose what they held by it alone."""
    _check_may_fill(actor, team)
    audit_record(actor=actor, action="team.delete", target=team, before=_shown(team))
    team.delete()
    forget_roles()


@transaction.atomic
def team_member_add(*, actor: User | None, team: Team, email: str) -> TeamMember:
    """Put a person who has an account into a team by hand."""
    _check_may_fill(actor, team)
    user = user_by_email(email)
    known = user is not None and (
        actor is None
        or user == actor
        or user.role_bindings.filter(organization=team.organization).exists()
        or user.team_memberships.filter(team__organization=team.organization).exists()
    )
    if user is None or not known:
        # The same sentence for both: nobody finds out by this who has an account here.
        sentence = "Nobody in this organization has this address. Add the person under People first."
        raise ApplicationError("member_unknown", sentence, fields={"email": sentence})
    member, made = TeamMember.objects.get_or_create(team=team, user=user, issuer="")
    if made:
        forget_roles()
        audit_record(actor=actor, action="team.member_add", target=team, after={"person": user.email})
    return member


@transaction.atomic
def team_member_remove(*, actor: User | None, member: TeamMember) -> None:
    """Take a person out of a team. Those by a group of the provider are back when they sign on with it again."""
    _check_may_fill(actor, member.team)
    audit_record(actor=actor, action="team.member_remove", target=member.team, before={"person": member.user.email})
    member.delete()
    forget_roles()


def _role_shown(role: TeamRole) -> dict[str, Any]:
    return {
        "role": role.role or role.title,
        "environment": str(role.environment or ""),
        "holds_below": role.holds_below,
    }


@transaction.atomic
def team_role_grant(
    *,
    actor: User | None,
    team: Team,
    role: str,
    environment: Environment | None = None,
    holds_below: bool = False,
) -> TeamRole:
    """Give a role to everybody in a team, now and later."""
    if environment is not None and environment.organization_id != team.organization_id:
        sentence = "This environment belongs to another organization."
        raise ApplicationError("environment_elsewhere", sentence, fields={"environment": sentence})
    if environment is not None and holds_below:
        sentence = "A role in one environment does not reach business groups. Give it in the whole organization."
        raise ApplicationError("below_an_environment", sentence, fields={"holds_below": sentence})
    named = role_named(organization=team.organization, key=role)
    given = TeamRole(
        team=team,
        environment=environment,
        role="" if named.custom is not None else named.key,
        custom_role=named.custom,
        holds_below=holds_below,
    )
    _check_may_give(actor, given)
    same = team.roles.filter(environment=environment, role=given.role, custom_role=given.custom_role)
    if same.exists():
        sentence = f"The team has the role {named.title} there already."
        raise ApplicationError("role_exists", sentence, fields={"role": sentence}, status=409)
    given.save_checked()
    forget_roles()
    audit_record(actor=actor, action="team.role_grant", target=team, after=_role_shown(given))
    return given


@transaction.atomic
def team_role_revoke(*, actor: User | None, team_role: TeamRole) -> None:
    """Take a role from a team."""
    _check_may_give(actor, team_role)
    audit_record(actor=actor, action="team.role_revoke", target=team_role.team, before=_role_shown(team_role))
    team_role.delete()
    forget_roles()


@transaction.atomic
def team_members_from_sign_on(*, user: User, issuer: str, groups: frozenset[str]) -> None:
    """Let a person be in exactly those teams that name one of the groups their provider has just told of.

    Members by hand, and those by another provider, are left alone.
    """
    now = {team.pk: team for team in Team.objects.exclude(sign_on_groups="") if groups.intersection(team.groups)}
    before = {each.team_id: each for each in TeamMember.objects.filter(user=user, issuer=issuer).select_related("team")}
    for team in (now[pk] for pk in now.keys() - before.keys()):
        TeamMember.objects.create(team=team, user=user, issuer=issuer)
        audit_record(actor=user, action="team.member_add", target=team, after={"person": user.email, "issuer": issuer})
    for member in (before[pk] for pk in before.keys() - now.keys()):
        left = {"person": user.email, "issuer": issuer}
        audit_record(actor=user, action="team.member_remove", target=member.team, before=left)
        member.delete()
    forget_roles()
