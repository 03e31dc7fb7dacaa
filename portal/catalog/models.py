"""API, API version and specification."""

from django.db import models

from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.organizations.models import Organization


class Layer(models.TextChoices):
    """The place of an API in API-led design."""

    SYSTEM = "system", "System"
    PROCESS = "process", "Process"
    EXPERIENCE = "experience", "Experience"


class Visibility(models.TextChoices):
    """Who finds the API in the developer hub."""

    PRIVATE = "private", "Private: only people of this organization"
    PUBLIC = "public", "Public: everybody"


class Lifecycle(models.TextChoices):
    """How far an API version is."""

    DEVELOPMENT = "development", "Development"
    STABLE = "stable", "Stable"
    DEPRECATED = "deprecated", "Deprecated"


class Api(Record):
    """An entry of the catalog."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="apis")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    summary = models.CharField(max_length=250, blank=True)
    description = models.TextField(blank=True, help_text="Markdown.")
    layer = models.CharField(max_length=20, choices=Layer.choices, default=Layer.SYSTEM)
    visibility = models.CharField(max_length=20, choices=Visibility.choices, default=Visibility.PRIVATE)

    objects = ScopedManager()
    scope_organization = "organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="api_slug_once")]

    def __str__(self) -> str:
        return self.name


class ApiVersion(Record):
    """One version of an API, such as `v1`."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(max_length=40, default="v1")
    lifecycle = models.CharField(max_length=20, choices=Lifecycle.choices, default=Lifecycle.STABLE)

    objects = ScopedManager()
    scope_organization = "api__organization_id"
    scope_environment = ""

    class Meta:
        ordering = ["api", "version"]
        constraints = [models.UniqueConstraint(fields=["api", "version"], name="api_version_once")]

    def __str__(self) -> str:
        return f"{self.api.name} {self.version}"


class Specification(Record):
    """The OpenAPI document of a version: the text as it came, and the same parsed."""

    api_version = models.OneToOneField(ApiVersion, on_delete=models.CASCADE, related_name="specification")
    source = models.TextField()
    document = models.JSONField()
    openapi = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)

    objects = ScopedManager()
    scope_organization = "api_version__api__organization_id"
    scope_environment = ""

    def __str__(self) -> str:
        return f"Specification of {self.api_version}"
