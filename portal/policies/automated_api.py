"""REST: policies applied to every API instance that matches."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from gateway_runtime.schema.mode import Mode
from portal.apis.models import ApiInstance
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.organizations.models import Environment
from portal.policies import automated_services as services
from portal.policies.coverage import coverage_of
from portal.policies.models import AutomatedPolicy
from portal.policies.serializers import ConfigField
from portal.policies.settings import settings_masked


class AutomatedPolicySerializer(serializers.ModelSerializer[AutomatedPolicy]):
    """A policy applied to every API instance of an environment that has the labels."""

    environment: Any = ScopedRelatedField(queryset=Environment.objects.all(), permission="environment.view")
    policy = serializers.CharField(max_length=80)
    selector = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="Labels that an instance must have, all of them. Empty: every instance of the environment.",
    )
    order = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    enabled = serializers.BooleanField(required=False)
    mode = serializers.ChoiceField(choices=[str(mode) for mode in Mode], required=False)
    config = ConfigField(required=False)

    class Meta:
        model = AutomatedPolicy
        fields = [
            "id", "environment", "policy", "selector", "order", "enabled", "mode", "config", "created_at", "updated_at",
        ]  # fmt: skip


class AutomatedPolicyChangeSerializer(AutomatedPolicySerializer):
    """What may change: the policy and its environment may not."""

    environment: Any = serializers.PrimaryKeyRelatedField(read_only=True)
    policy = serializers.CharField(read_only=True)


class CoverageSerializer(serializers.Serializer[Any]):
    """What an automated policy means for one API instance."""

    instance: Any = serializers.UUIDField(source="instance.pk")
    name = serializers.CharField(source="instance")
    gateway = serializers.UUIDField(source="instance.gateway_id")
    covered = serializers.BooleanField()
    state = serializers.CharField(help_text="covered, replaces, stopped, labels, another or off.")
    reason = serializers.CharField()


class AutomatedPolicyFilterSet(filters.FilterSet):
    """Automated policies of an environment or of a kind."""

    environment = filters.UUIDFilter(field_name="environment")

    class Meta:
        model = AutomatedPolicy
        fields = ["environment", "policy", "enabled", "shadow"]


class AutomatedPolicyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Policies applied to every API instance that matches."""

    queryset = AutomatedPolicy.objects.select_related("environment")
    serializer_class = AutomatedPolicySerializer
    view_permission = "policy.view"
    change_permission = "policy.change"
    filterset_class = AutomatedPolicyFilterSet
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def shown_request(self, instance: Any) -> Any:
        """Return what was sent without the secrets of the policy."""
        return settings_masked(instance.policy, self.request.data)

    def _answer(self, automated: Any, code: int = status.HTTP_200_OK) -> Response:
        return Response(AutomatedPolicySerializer(automated, context=self.get_serializer_context()).data, status=code)

    def create(self, request: Request) -> Response:
        """Apply a policy to every API instance that matches."""
        serializer = AutomatedPolicySerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        allowed = Environment.objects.visible_to(request.user, self.change_permission)
        if not allowed.filter(pk=values["environment"].pk).exists():
            raise PermissionDenied(f"Your role does not include {self.change_permission}.")
        return self._answer(services.automated_policy_apply(actor=request.user, **values), status.HTTP_201_CREATED)

    @extend_schema(request=AutomatedPolicyChangeSerializer, responses=AutomatedPolicySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change settings, selector, order or mode. Settings and selector are replaced as a whole."""
        automated = self.get_object()
        serializer = AutomatedPolicyChangeSerializer(
            automated, data=request.data, partial=True, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        changed = services.automated_policy_update(actor=request.user, automated=automated, **serializer.validated_data)
        return self._answer(changed)

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove it; the instances' own policies of its kind act again."""
        services.automated_policy_remove(actor=request.user, automated=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=CoverageSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filterset_class=None)
    def coverage(self, request: Request, pk: str) -> Response:
        """List the API instances of the environment: which are covered, which are not and why."""
        instances = ApiInstance.objects.visible_to(request.user, "instance.view")
        return Response(CoverageSerializer(coverage_of(self.get_object(), instances), many=True).data)
