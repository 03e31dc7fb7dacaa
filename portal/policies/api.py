"""REST: the policies there are, and those applied to API instances."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from gateway_runtime.policies.registry import all_definitions, check_setting, definition
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.api import ScopedViewSet
from portal.policies import services
from portal.policies.models import PolicyBinding
from portal.policies.serializers import (
    BindingChangeSerializer,
    BindingSerializer,
    ExpressionCheckSerializer,
    ExpressionSerializer,
    PolicySerializer,
)
from portal.policies.settings import settings_masked


class PolicyViewSet(viewsets.ViewSet):
    """The policies that can be applied. The same for everybody who is signed in."""

    lookup_field = "name"
    lookup_value_regex = "[a-z0-9-]+"

    @extend_schema(responses=PolicySerializer(many=True))
    def list(self, request: Request) -> Response:
        """List every policy in default order."""
        return Response(PolicySerializer(list(all_definitions()), many=True).data)

    @extend_schema(responses=PolicySerializer, parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)])
    def retrieve(self, request: Request, name: str) -> Response:
        """Return one policy by name or alias."""
        return Response(PolicySerializer(self._policy(name)).data)

    @extend_schema(
        request=ExpressionSerializer,
        responses=ExpressionCheckSerializer,
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH)],
    )
    @action(detail=True, methods=["post"], url_path="check-expression")
    def check_expression(self, request: Request, name: str) -> Response:
        """Tell whether an expression could be the value of a setting. Nothing is saved or evaluated."""
        policy = self._policy(name)
        serializer = ExpressionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = {"code": "", "message": "", "position": None}
        try:
            check_setting(policy, serializer.validated_data["setting"], serializer.validated_data["expression"])
        except ConfigFault as fault:
            found = {"code": fault.code, "message": fault.message, "position": fault.position}
        return Response(ExpressionCheckSerializer(found).data)

    def _policy(self, name: str) -> PolicyDefinition:
        try:
            return definition(name)
        except ConfigFault as fault:
            raise NotFound(fault.message) from fault


class BindingFilterSet(filters.FilterSet):
    """Bindings of an instance, a gateway, an environment or a policy."""

    instance = filters.UUIDFilter(field_name="instance")
    gateway = filters.UUIDFilter(field_name="instance__gateway")
    environment = filters.UUIDFilter(field_name="instance__environment")

    class Meta:
        model = PolicyBinding
        fields = ["instance", "gateway", "environment", "policy", "enabled", "shadow"]


class BindingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Policies applied to API instances."""

    queryset = PolicyBinding.objects.select_related("instance__environment", "instance__gateway")
    serializer_class = BindingSerializer
    view_permission = "policy.view"
    change_permission = "policy.change"
    filterset_class = BindingFilterSet
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def shown_request(self, instance: Any) -> Any:
        """Return what was sent without the secrets of the policy."""
        return settings_masked(instance.policy, self.request.data)

    def _answer(self, binding: Any, code: int = status.HTTP_200_OK) -> Response:
        return Response(BindingSerializer(binding, context=self.get_serializer_context()).data, status=code)

    def create(self, request: Request) -> Response:
        """Apply a policy to an API instance."""
        serializer = BindingSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return self._answer(
            services.policy_apply(actor=request.user, **serializer.validated_data), status.HTTP_201_CREATED
        )

    @extend_schema(request=BindingChangeSerializer, responses=BindingSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change order, switch or settings. Settings are replaced as a whole."""
        binding = self.get_object()
        serializer = BindingChangeSerializer(
            binding, data=request.data, partial=True, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        return self._answer(services.policy_update(actor=request.user, binding=binding, **serializer.validated_data))

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a policy from its API instance."""
        services.policy_remove(actor=request.user, binding=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=BindingSerializer)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Let a disabled policy act again."""
        return self._answer(services.policy_enable(actor=request.user, binding=self.get_object()))

    @extend_schema(request=None, responses=BindingSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Keep a policy but let requests pass it by."""
        return self._answer(services.policy_disable(actor=request.user, binding=self.get_object()))
