"""Organization, environment and role binding."""

from django.db import models

from portal.accounts.models import User
from portal.core.models import Record
from portal.core.permissions import ScopedManager


class Organization(Record):
    """A company or business group: owns a catalog, environments and people's roles."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)

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
    """Built-in roles, each including the one after it."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


class RoleBinding(Record):
    """A user's role in a whole organization, or in one of its environments."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_bindings")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="role_bindings")
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="role_bindings", null=True, blank=True
    )
    role = models.CharField(max_length=20, choices=Role.choices)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["organization", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"], name="role_once", condition=models.Q(environment=None)
            ),
            models.UniqueConstraint(
                fields=["user", "environment"], name="role_once_here", condition=models.Q(environment__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.environment or self.organization}"
