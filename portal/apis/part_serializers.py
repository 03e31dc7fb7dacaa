"""REST shapes of services, routes and their settings."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.apis import instance_settings, service_settings
from portal.apis.models import ApiInstance, Destination, Route, Service
from portal.apis.route_services import Way
from portal.core.api import ScopedRelatedField
from portal.core.setting_forms.schemas import settings_schema

_SERVICE = settings_schema(service_settings.SETTINGS, secret=service_settings.SECRET, title="Service settings")


@extend_schema_field(_SERVICE)
class ServiceSettingsInputField(serializers.JSONField):
    """How a service that is not there yet is asked."""


@extend_schema_field(_SERVICE)
class ServiceSettingsField(serializers.JSONField):
    """How a service is asked. Secrets are masked in answers; a masked or empty one that is sent is kept."""

    def get_attribute(self, instance: Service) -> Any:
        """Return the settings as they may be shown."""
        return service_settings.masked_settings(instance)


@extend_schema_field(settings_schema(instance_settings.SETTINGS, secret=(), title="Instance settings"))
class InstanceSettingsField(serializers.JSONField):
    """What is different for an instance: limits and access log."""


class ServiceSerializer(serializers.ModelSerializer):
    """A backend of an instance."""

    instance: Any = ScopedRelatedField(queryset=ApiInstance.objects, permission="instance.change")
    settings = ServiceSettingsField(required=False, help_text="In the words of declarative files.")

    class Meta:
        model = Service
        fields = ["id", "instance", "name", "url", "settings"]
        validators: tuple[Any, ...] = ()  # the service says it with both names


class ServiceChangeSerializer(ServiceSerializer):
    """A change of a service: it stays with its instance."""

    instance: Any = serializers.PrimaryKeyRelatedField(read_only=True)


class RuleSerializer(serializers.Serializer):
    """A condition. All of its parts must hold; each is an RE2 pattern for the whole text."""

    path = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    host = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    methods = serializers.CharField(required=False, allow_blank=True)
    headers = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), required=False
    )


class DestinationSerializer(serializers.ModelSerializer):
    """Where a route leads, with its share when there are several."""

    service = ScopedRelatedField(queryset=Service.objects, permission="instance.view")

    class Meta:
        model = Destination
        fields = ["service", "weight", "path"]

    def to_internal_value(self, data: Any) -> Any:
        """Return it as services take it."""
        return Way(**super().to_internal_value(data))


class RouteSerializer(serializers.ModelSerializer):
    """Which requests of an instance go where. Routes are tried in order."""

    instance: Any = ScopedRelatedField(queryset=ApiInstance.objects, permission="instance.change")
    order = serializers.IntegerField(read_only=True, help_text="Smallest first. `place` changes it.")
    rules = RuleSerializer(many=True, required=False)
    destinations = DestinationSerializer(many=True)

    class Meta:
        model = Route
        fields = ["id", "instance", "name", "order", "rules", "destinations"]


class RouteChangeSerializer(RouteSerializer):
    """A change of a route: it stays with its instance."""

    instance: Any = serializers.PrimaryKeyRelatedField(read_only=True)


class PlaceSerializer(serializers.Serializer):
    """A place in an order."""

    position = serializers.IntegerField(min_value=0, help_text="Counted from 0; beyond the end means the end.")
