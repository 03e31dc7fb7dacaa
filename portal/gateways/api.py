"""REST: `/api/v1/gateways/`."""

from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.gateways.filters import GatewayFilter
from portal.gateways.listener_api import ListenerSerializer
from portal.gateways.models import Gateway, Replica
from portal.gateways.registration_api import NewRegistrationTokenSerializer, RenewSerializer, token_body
from portal.gateways.registration_services import registration_renew, registration_revoke
from portal.gateways.registration_tokens import registration_token_create
from portal.gateways.replica_api import ReplicaSerializer
from portal.gateways.replica_selectors import replicas_with_lag
from portal.gateways.selectors import gateway_status
from portal.gateways.services import (
    gateway_create,
    gateway_delete,
    gateway_update,
)
from portal.organizations.models import Environment


class GatewayStatusSerializer(serializers.Serializer):
    """A gateway as its replicas report it."""

    state = serializers.CharField(help_text="connected, disconnected, never_seen or revoked.")
    last_contact = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField(help_text="The newest revision that runs; 0 for none.")
    replicas = serializers.IntegerField(help_text="How many replicas are connected.")
    workers = serializers.IntegerField()
    versions = serializers.ListField(child=serializers.CharField())
    errors = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]


class GatewaySerializer(serializers.ModelSerializer):
    """A gateway with its listeners, replicas and status."""

    environment = ScopedRelatedField(queryset=Environment.objects, permission="environment.view")
    port = serializers.IntegerField(write_only=True, required=False, help_text="Port of its first listener.")
    listeners = ListenerSerializer(many=True, read_only=True)
    replicas = ReplicaSerializer(many=True, read_only=True)
    status = serializers.SerializerMethodField()

    class Meta:
        model = Gateway
        fields = [
            "id", "environment", "name", "slug", "public_host", "sampled_percent", "port", "listeners", "replicas",
            "status", "revoked_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["slug", "sampled_percent", "revoked_at"]

    @extend_schema_field(GatewayStatusSerializer)
    def get_status(self, gateway: Gateway) -> dict[str, Any]:
        """Return what the replicas say together."""
        return dict(GatewayStatusSerializer(gateway_status(gateway, timezone.now())).data)


class GatewayChangeSerializer(serializers.ModelSerializer):
    """What of a gateway can be changed."""

    class Meta:
        model = Gateway
        fields = ["name", "public_host", "sampled_percent"]


class GatewayViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Gateways."""

    queryset = Gateway.objects.prefetch_related(
        "listeners__certificates",
        Prefetch("replicas", queryset=replicas_with_lag(Replica.objects.order_by("-seen_at"))),
    )
    serializer_class = GatewaySerializer
    filterset_class = GatewayFilter
    view_permission = "gateway.view"
    change_permission = "gateway.change"
    unversioned_fields = ("replicas", "status")

    def create(self, request: Request) -> Response:
        """Create a gateway with one listener."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Environment.objects.filter(pk=values["environment"].pk))
        gateway = gateway_create(actor=request.user, **values)
        return Response(self.get_serializer(self.as_shown(gateway)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=GatewayChangeSerializer, responses=GatewaySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change its name, where consumers reach it, or the share of requests that is traced."""
        gateway = self.get_object()
        serializer = GatewayChangeSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        gateway_update(actor=request.user, gateway=gateway, **serializer.validated_data)
        return Response(self.get_serializer(self.as_shown(gateway)).data)

    @extend_schema(request=None, responses={201: NewRegistrationTokenSerializer})
    @action(detail=True, methods=["post"], url_path="registration-tokens")
    def registration_tokens(self, request: Request, pk: str) -> Response:
        """Make a one-time token for a new replica, with the commands that use it."""
        made = registration_token_create(actor=request.user, gateway=self.get_object())
        return Response(token_body(made), status=status.HTTP_201_CREATED)

    @extend_schema(request=RenewSerializer, responses={201: NewRegistrationTokenSerializer})
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, pk: str) -> Response:
        """Replace password and key. Registrations from before end after a day, or at once."""
        gateway = self.get_object()
        serializer = RenewSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = registration_renew(actor=request.user, gateway=gateway, **serializer.validated_data)
        return Response(token_body(made), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=GatewaySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End every registration: all replicas stop serving within seconds."""
        gateway = registration_revoke(actor=request.user, gateway=self.get_object())
        return Response(self.get_serializer(self.as_shown(gateway)).data)

    def as_shown(self, gateway: Gateway) -> Any:
        """Return a gateway that was just changed, with everything that an answer says of it."""
        return self.get_queryset().get(pk=gateway.pk)

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a gateway that serves nothing."""
        gateway_delete(actor=request.user, gateway=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
