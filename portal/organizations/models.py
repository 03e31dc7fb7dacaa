"""Organization, environment and role binding."""

from typing import Any

from django.db import models

from portal.accounts.models import User
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class Organization(Record):
    """A company or business group: owns a catalog, environments and people's roles."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    # A business group lies below another organization, for good: what holds there from above was given for this place.
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="children", null=True, blank=True)
    # Every organization above, the nearest and the furthest: roles from above are found with the person's own.
    above = models.ManyToManyField("self", symmetrical=False, related_name="below", blank=True)

    objects = ScopedManager()
    scope_organization = "id"
    scope_environment = ""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EnvironmentKind(models.TextChoices):
    """How careful one must be in an environment."""

    PRODUCTION = "production", "Production"
    SANDBOX = "sandbox", "Sandbox"


class EnvironmentColour(models.TextChoices):
    """By which colour people know where they are."""

    RED = "red", "Red"
    AMBER = "amber", "Amber"
    GREEN = "green", "Green"
    BLUE = "blue", "Blue"
    VIOLET = "violet", "Violet"
    GREY = "grey", "Grey"


class Environment(Record):
    """A separate place for gateways and API instances, such as Production or Sandbox."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=80)
    slug = models.SlugField()
    kind = models.CharField(max_length=20, choices=EnvironmentKind.choices, default=EnvironmentKind.SANDBOX)
    # Empty: that of its kind.
    colour = models.CharField(max_length=10, choices=EnvironmentColour.choices, blank=True)
    allow_private_targets = models.BooleanField(
        "Allow private upstream addresses",
        default=False,
        help_text="Lets gateways of this environment call upstreams on loopback and private networks.",
    )

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "id"

    class Meta:
        ordering = ["organization", "name"]
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="environment_slug_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def shade(self) -> str:
        """Return the colour in which it is shown: the chosen one, else red for production and blue for a sandbox."""
        if self.colour:
            return self.colour
        return EnvironmentColour.RED if self.kind == EnvironmentKind.PRODUCTION else EnvironmentColour.BLUE

    @property
    def marked(self) -> bool:
        """Tell whether a bar across every page says where one is: in production, and where a colour was chosen."""
        return bool(self.colour) or self.kind == EnvironmentKind.PRODUCTION


class Role(models.TextChoices):
    """Built-in roles. What each may do is said in `roles`."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"
    ENVIRONMENT_ADMINISTRATOR = "environment_administrator", "Environment administrator"
    API_CREATOR = "api_creator", "API creator"
    API_MANAGER = "api_manager", "Manage API configuration"
    API_VIEWER = "api_viewer", "View API configuration"
    DEPLOYER = "deployer", "Publish APIs"
    POLICY_MANAGER = "policy_manager", "Manage policies"
    POLICY_VIEWER = "policy_viewer", "View policies"
    CONTRACT_MANAGER = "contract_manager", "Manage contracts"
    CONTRACT_VIEWER = "contract_viewer", "View contracts"
    ALERT_MANAGER = "alert_manager", "Manage alerts"
    ALERT_VIEWER = "alert_viewer", "View alerts"
    CATALOG_ADMINISTRATOR = "catalog_administrator", "Catalog administrator"
    CATALOG_CONTRIBUTOR = "catalog_contributor", "Catalog contributor"
    CATALOG_VIEWER = "catalog_viewer", "Catalog viewer"


class CustomRole(Record):
    """A named set of permissions that an organization has made for itself."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="custom_roles")
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200, blank=True)
    # Names between spaces, with one at each end: a database of any kind finds a permission in it.
    granted = models.TextField()

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="custom_role_name_once",
                violation_error_message="There is already a role of this name. Choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def permissions(self) -> frozenset[str]:
        """Return what it lets people do."""
        return frozenset(self.granted.split())


class RoleName:
    """How a role is called that is a built-in one or a custom one."""

    role: Any
    custom_role: Any
    custom_role_id: Any
    get_role_display: Any

    @property
    def title(self) -> str:
        """Return the name of the role as people read it."""
        return self.custom_role.name if self.custom_role is not None else self.get_role_display()

    @property
    def role_key(self) -> str:
        """Return the name of a built-in role, or the id of a custom one: how forms and REST name roles."""
        return self.role or str(self.custom_role_id)


class RoleBinding(RoleName, Record):
    """A person's role, built in or custom, in a whole organization or in one of its environments."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_bindings")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="role_bindings")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="role_bindings", null=True, blank=True
    )
    # Empty where the role is a custom one.
    role = models.CharField(max_length=40, choices=Role.choices, blank=True)
    custom_role = models.ForeignKey(
        CustomRole, on_delete=models.PROTECT, related_name="bindings", null=True, blank=True
    )
    # Whether it holds in the business groups below too, also in those made later.
    holds_below = models.BooleanField(default=False)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["organization", "user"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role="", custom_role__isnull=False)
                | (~models.Q(role="") & models.Q(custom_role__isnull=True)),
                name="role_built_in_or_custom",
            ),
            models.CheckConstraint(
                condition=models.Q(holds_below=False) | models.Q(environment=None), name="below_is_for_organizations"
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "role"],
                name="role_once",
                condition=models.Q(environment=None) & ~models.Q(role=""),
            ),
            models.UniqueConstraint(
                fields=["user", "environment", "role"],
                name="role_once_here",
                condition=models.Q(environment__isnull=False) & ~models.Q(role=""),
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "custom_role"],
                name="custom_role_once",
                condition=models.Q(environment=None, custom_role__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["user", "environment", "custom_role"],
                name="custom_role_once_here",
                condition=models.Q(environment__isnull=False, custom_role__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.title} of {self.environment or self.organization}"


class Team(Record):
    """People of an organization who do a job together: what is given to the team holds for each of them."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    # Groups of the sign-on provider, one a line: who signs on with one of them is a member.
    sign_on_groups = models.TextField(blank=True, max_length=4000)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="team_name_once",
                violation_error_message="There is already a team of this name. Choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def groups(self) -> list[str]:
        """Return the groups of the sign-on provider whose people belong to it."""
        return self.sign_on_groups.splitlines()


class TeamMember(Record):
    """A person in a team: put there by hand, or by the groups that a provider told of at the last sign-on."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    # The provider that told of it; empty for a member by hand, whom no sign-on removes.
    issuer = models.CharField(max_length=255, blank=True)

    objects = ScopedManager()
    scope_organization = "team__organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["user__name", "issuer"]
        constraints = [models.UniqueConstraint(fields=["team", "user", "issuer"], name="team_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class TeamRole(RoleName, Record):
    """A role of everybody in a team, in its whole organization or in one environment."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="roles")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="team_roles", null=True, blank=True
    )
    role = models.CharField(max_length=40, choices=Role.choices, blank=True)
    custom_role = models.ForeignKey(
        CustomRole, on_delete=models.PROTECT, related_name="team_roles", null=True, blank=True
    )
    holds_below = models.BooleanField(default=False)

    objects = ScopedManager()
    scope_organization = "team__organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role="", custom_role__isnull=False)
                | (~models.Q(role="") & models.Q(custom_role__isnull=True)),
                name="team_role_built_in_or_custom",
            ),
            models.CheckConstraint(
                condition=models.Q(holds_below=False) | models.Q(environment=None),
                name="team_below_is_for_organizations",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {self.team} in {self.environment or self.team.organization}"
