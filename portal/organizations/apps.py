"""What organizations do when somebody signs on."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """Registers that groups of a sign-on provider decide who is in a team."""

    name = "portal.organizations"

    def ready(self) -> None:
        """Register it."""
        from portal.accounts.sign_on_reactions import on_sign_on
        from portal.organizations.team_services import team_members_from_sign_on

        on_sign_on(team_members_from_sign_on)
