"""REST: `/api/v1/api-instances/`, with stop and start."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.apis.deprecation import instance_deprecate, instance_undeprecate
from portal.apis.deprecation_api import DeprecationSerializer
from portal.apis.models import ApiInstance
from portal.apis.part_serializers import (
    InstanceSettingsField,
    RouteChangeSerializer,
    ServiceChangeSerializer,
    ServiceSettingsInputField,
)
from portal.apis.selectors import instance_implementation_url, instance_url, instances_for_list
from portal.apis.services import (
    instance_delete,
    instance_deploy,
    instance_start,
    instance_stop,
    instance_update,
)
from portal.catalog.models import ApiVersion, Layer, Visibility
from portal.catalog.services import NewApi
from portal.core.api import ErrorSerializer, ScopedRelatedField, ScopedViewSet
from portal.core.errors import ApplicationError
from portal.gateways.models import Gateway
from portal.organizations.models import Environment, Organization


class NewApiSerializer(serializers.Serializer):
    """An API to be added to the catalog with its first instance."""

    name = serializers.CharField(max_length=120)
    version = serializers.CharField(max_length=40, default="v1")
    layer = serializers.ChoiceField(choices=Layer.choices, default=Layer.SYSTEM)
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PRIVATE)
    summary = serializers.CharField(max_length=250, default="", allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]
        default="", allow_blank=True, trim_whitespace=False, help_text="Its OpenAPI document as text."
    )


class ApiInstanceSerializer(serializers.ModelSerializer):
    """One API version managed on a gateway."""

    name = serializers.CharField(source="__str__", read_only=True)
    port = serializers.IntegerField(source="listener.port")
    implementation_url = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()
    policies_count = serializers.IntegerField(read_only=True, default=0)
    settings = InstanceSettingsField(read_only=True)
    services = ServiceChangeSerializer(many=True, read_only=True)
    routes = RouteChangeSerializer(many=True, read_only=True)

    class Meta:
        model = ApiInstance
        fields = [
            "id", "name", "environment", "api_version", "gateway", "port", "base_path", "url", "implementation_url",
            "label", "labels", "consumer_endpoint", "status", "deprecated", "deprecated_on", "sunset_on", "successor",
            "settings", "policies_count", "services", "routes", "created_at", "updated_at",
        ]  # fmt: skip

    def get_implementation_url(self, instance: ApiInstance) -> str:
        """Return where the gateway forwards to."""
        return instance_implementation_url(instance)

    def get_url(self, instance: ApiInstance) -> str:
        """Return where consumers call it."""
        return instance_url(instance)


class EndpointSerializer(serializers.Serializer):
    """What of an instance can be changed."""

    port = serializers.IntegerField(help_text="A port without a listener gets one.")
    base_path = serializers.CharField(max_length=200, help_text="Begins with a slash and does not end with one.")
    implementation_url = serializers.CharField(
        max_length=500, help_text="Where the API runs: up to its base path, not a resource."
    )
    label = serializers.CharField(max_length=80, required=False, allow_blank=True)  # type: ignore[assignment]
    labels = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Names and values that automated policies look for."
    )
    consumer_endpoint = serializers.CharField(max_length=500, required=False, allow_blank=True)
    settings = InstanceSettingsField(required=False, help_text="Limits and access log.")


class ApiInstanceCreateSerializer(EndpointSerializer):
    """What an instance is made of: an API version that is there, or a new API."""

    environment = ScopedRelatedField(queryset=Environment.objects, permission="environment.view")
    gateway = ScopedRelatedField(queryset=Gateway.objects, permission="gateway.view")
    api_version = ScopedRelatedField(queryset=ApiVersion.objects, permission="api.view", required=False)
    new_api = NewApiSerializer(required=False)
    service_settings = ServiceSettingsInputField(required=False, help_text="How the implementation is asked.")


class ApiInstanceChangeSerializer(EndpointSerializer):
    """A change of an instance."""

    api_version = ScopedRelatedField(queryset=ApiVersion.objects, permission="api.view", required=False)
    deprecated = serializers.BooleanField(required=False)


class ApiInstanceFilter(django_filters.FilterSet):
    """Filters of `/api/v1/api-instances/`."""

    environment = django_filters.UUIDFilter(field_name="environment_id")
    gateway = django_filters.UUIDFilter(field_name="gateway_id")
    api_version = django_filters.UUIDFilter(field_name="api_version_id")
    api = django_filters.UUIDFilter(field_name="api_version__api_id")

    class Meta:
        model = ApiInstance
        fields = ["status", "base_path"]


class ApiInstanceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """API instances."""

    queryset = instances_for_list(ApiInstance.objects.prefetch_related("routes__destinations"))
    serializer_class = ApiInstanceSerializer
    filterset_class = ApiInstanceFilter
    view_permission = "instance.view"
    change_permission = "instance.change"
    unversioned_fields = ("policies_count",)

    @extend_schema(request=ApiInstanceCreateSerializer, responses={201: ApiInstanceSerializer, 400: ErrorSerializer})
    def create(self, request: Request) -> Response:
        """Deploy an API: one that is in the catalog, or a new one."""
        serializer = ApiInstanceCreateSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        environment = values["environment"]
        self.check_change(Environment.objects.filter(pk=environment.pk))
        instance = instance_deploy(actor=request.user, api=self._api(values, environment), **values)
        return self._answer(instance, status.HTTP_201_CREATED)

    def _api(self, values: dict[str, Any], environment: Environment) -> ApiVersion | NewApi:
        version, new = values.pop("api_version", None), values.pop("new_api", None)
        if (version is None) == (new is None):
            sentence = "Give either “api_version” or “new_api”."
            raise ApplicationError("api_missing", sentence, fields={"api_version": sentence})
        if version is not None:
            return version
        self._check_catalog(Organization.objects.filter(pk=environment.organization_id))
        return NewApi(**new)

    def _check_catalog(self, queryset: Any) -> None:
        if not queryset.visible_to(self.request.user, "api.change").exists():
            raise ApplicationError(
                "permission_denied", "Your role does not include api.change. Choose an API that is there.", status=403
            )

    @extend_schema(request=ApiInstanceChangeSerializer, responses=ApiInstanceSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an instance."""
        instance = self.get_object()
        serializer = ApiInstanceChangeSerializer(data=request.data, partial=True, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return self._answer(instance_update(actor=request.user, instance=instance, **serializer.validated_data))

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an instance; its API stays in the catalog."""
        instance_delete(actor=request.user, instance=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=DeprecationSerializer, responses=ApiInstanceSerializer)
    @action(detail=True, methods=["post"])
    def deprecate(self, request: Request, pk: str) -> Response:
        """Tell callers, in every answer, that an instance should not be used any more."""
        serializer = DeprecationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self._answer(
            instance_deprecate(actor=request.user, instance=self.get_object(), **serializer.validated_data)
        )

    @extend_schema(request=None, responses=ApiInstanceSerializer)
    @action(detail=True, methods=["post"])
    def undeprecate(self, request: Request, pk: str) -> Response:
        """Take a deprecation back."""
        return self._answer(instance_undeprecate(actor=request.user, instance=self.get_object()))

    @extend_schema(request=None, responses=ApiInstanceSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """Take an instance off the gateway and keep its settings."""
        return self._answer(instance_stop(actor=request.user, instance=self.get_object()))

    @extend_schema(request=None, responses=ApiInstanceSerializer)
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        """Bring a stopped instance back."""
        return self._answer(instance_start(actor=request.user, instance=self.get_object()))

    def _answer(self, instance: ApiInstance, status_code: int = status.HTTP_200_OK) -> Response:
        fresh = self.get_queryset().get(pk=instance.pk)
        return Response(self.get_serializer(fresh).data, status=status_code)
