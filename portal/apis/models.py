"""API instance, service, route and the destinations of a route."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from portal.catalog.models import ApiVersion
from portal.core.crypto import EncryptedTextField
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
    # Limits and access log in the words of `instance_settings`; what is not there is as the gateway has it.
    settings = models.JSONField(default=dict, blank=True)

    objects = ScopedManager()
    scope_organization = "environment__organization_id"
    scope_environment = "environment_id"
    # What its name is made of, for those who read values of very many.
    NAMED_BY = ("api_version__api__name", "api_version__version", "label")

    class Meta:
        ordering = ["api_version__api__name", "api_version__version", "label"]
        constraints = [models.UniqueConstraint(fields=["listener", "base_path"], name="base_path_once_per_listener")]

    def __str__(self) -> str:
        return self.named(self.api_version.api.name, self.api_version.version, self.label)

    @staticmethod
    def named(api: str, version: str, label: str) -> str:
        """Return the name that an instance has by the values of `NAMED_BY`."""
        return f"{api} {version} ({label})" if label else f"{api} {version}"

    def get_absolute_url(self) -> str:
        """Return the instance's page in the console."""
        return console_url(self.environment, "apis:detail", self.pk)


class Service(Record):
    """A backend as a route sees it: its URL up to the base path of the implementation, and how it is asked."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="services")
    name = models.CharField(max_length=80, default="default")
    # That of the first target. Further targets share its scheme and its path.
    url = models.CharField(max_length=500)
    # In the words of `service_settings`, which are those of declarative files; what is not there has its default.
    settings = models.JSONField(default=dict, blank=True)
    # The secret ones of them by their path, as JSON. Most services have none, and then nothing has to be decrypted.
    secrets = EncryptedTextField(null=True, blank=True)

    objects = ScopedManager()
    scope_organization = "instance__environment__organization_id"
    scope_environment = "instance__environment_id"
    # The settings of the instance have the URL of its main service too.
    locked_through = "instance"

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["instance", "name"], name="service_name_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.url}"

    def get_absolute_url(self) -> str:
        """Return the page of its instance."""
        return self.instance.get_absolute_url()


class Route(Record):
    """Which requests go where. Routes are tried in order; without rules one holds for every request."""

    instance = models.ForeignKey(ApiInstance, on_delete=models.CASCADE, related_name="routes")
    name = models.CharField(max_length=80, default="all requests")
    order = models.PositiveIntegerField(default=50)
    # Conditions, of which any one is enough: {"path", "host", "methods", "headers"}; empty: every request.
    rules = models.JSONField(default=list, blank=True)

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


class Destination(Record):
    """One way of a route. Of several, each gets its weight's share in the sum of all."""

    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="destinations")
    service = models.ForeignKey(Service, on_delete=models.RESTRICT, related_name="destinations")
    order = models.PositiveIntegerField(default=0)
    weight = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(100)])
    # Put between the service's own path and that of the request.
    path = models.CharField(max_length=300, blank=True)

    objects = ScopedManager()
    scope_organization = "route__instance__environment__organization_id"
    scope_environment = "route__instance__environment_id"

    class Meta:
        ordering = ["order", "created_at"]

    def __str__(self) -> str:
        return self.service.name
