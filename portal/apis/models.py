"""API instance, service and route."""

from django.db import models

from portal.catalog.models import ApiVersion
from portal.core.links import console_url
from portal.core.models import Record
from portal.core.permissions import ScopedManager
from portal.gateways.models import Gateway, Listener
from portal.organizations.models import Environment


class InstanceStatus(models.TextChoices):
    """Whether the instance carries traffic."""

    ACTIVE = "active", "Active"
    STOPPED = "stopped", "Stopped"


class ApiInstance(Record):
    """One API version managed in one environment on one gateway."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="api_instances")
    api_version = models.ForeignKey(ApiVersion, on_delete=models.RESTRICT, related_name="instances")
    gateway = models.ForeignKey(Gateway, on_delete=models.RESTRICT, related_name="api_instances")
    listener = models.ForeignKey(Listener, on_delete=models.RESTRICT, related_name="api_instances")
    label = models.CharField(max_length=80, blank=True)
    # Names and values by which automated policies choose instances.
    labels = models.JSONField(default=dict, blank=True)
    # Starts with a slash, has no trailing one; the root is "/".
    base_path = models.CharField(max_length=200)
    # Where consumers call it, when not directly at the gateway.
    consumer_endpoint = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=20, choices=InstanceStatus.choices, default=InstanceStatus.ACTIVE)
    deprecated = models.BooleanField(default=False)
    # Days in UTC. Without the first, gateways say nothing of it.
    deprecated_on = models.DateField(null=True, blank=True)
    sunset_on = models.DateField(null=True, blank=True)
    # Where callers read about what comes after it.
    successor = models.CharField(max_length=500, blank=True)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"

    class Meta:
        ordering = ["api_version__api__name", "api_version__version", "label"]
        constraints = [models.UniqueConstraint(fields=["listener", "base_path"], name="base_path_once_per_listener")]

    def __str__(self) -> str:
        return f"{self.api_version} ({self.label})" if self.label else str(self.api_version)

    def get_absolute_url(self) -> str:
        """Return the instance's page in the console."""
        return console_url(self.environment, "apis:detail", self.pk)


class Service(Record):
    """A backend as a route sees it: its URL up to the base path of the implementation."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=80, default="default")
    url = models.CharField(max_length=500)

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["instance", "name"], name="service_name_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.url}"

    def get_absolute_url(self) -> str:
        """Return the page of its instance."""
        return self.instance.get_absolute_url()


class Route(Record):
    """Which requests go to which service, tried in order. Empty patterns hold for everything."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="routes")
    service = models.ForeignKey(Service, on_delete=models.RESTRICT, related_name="routes")
    name = models.CharField(max_length=80, default="all requests")
    order = models.PositiveIntegerField(default=50)
    path = models.CharField(max_length=300, blank=True, help_text="RE2 pattern for the path after the base path.")
    methods = models.CharField(max_length=100, blank=True, help_text="For example GET|HEAD.")

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"

    class Meta:
        ordering = ["order", "created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the page of its instance."""
        return self.instance.get_absolute_url()
