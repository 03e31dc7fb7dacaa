"""What an administrator does to the account of a person of the organization."""

from portal.accounts.models import User
from portal.accounts.session_services import sessions_end
from portal.organizations.models import RoleBinding, TeamRole
from portal.organizations.roles import permissions_of
from portal.organizations.services import check_may_give


def check_may_govern(actor: User, binding: RoleBinding) -> None:
    """Refuse who could not take from the person everything that they hold in the organization, also by teams.

    Else whoever gives somebody a small role in one environment could sign out the owner.
    """
    place, user = binding.organization, binding.user
    own = RoleBinding.objects.filter(organization=place, user=user)
    by_teams = TeamRole.objects.filter(team__organization=place, team__members__user=user)
    everything: list[RoleBinding | TeamRole] = [
        *own.select_related("organization", "environment", "custom_role"),
        *by_teams.select_related("team__organization", "environment", "custom_role"),
    ]
    for held in everything:
        title = held.title if isinstance(held, RoleBinding) else held.team.name
        check_may_give(actor, permissions_of(held), title, place, held.environment, below=held.holds_below)


def person_sessions_end(*, actor: User, binding: RoleBinding) -> int:
    """Sign a person out everywhere. Return how many sessions there were."""
    check_may_govern(actor, binding)
    return sessions_end(user=binding.user, actor=actor)
