"""REST: applications, contracts and tiers."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.contracts.models import ClientApplication, Contract, SlaTier
from portal.contracts.selectors import applications_of, contracts_readable_by, tiers_readable_by
from portal.contracts.serializers import (
    ApplicationSerializer,
    ContractSerializer,
    IssuedApplicationSerializer,
    RotationSerializer,
    TierChangeSerializer,
    TierSerializer,
)
from portal.contracts.services import (
    IssuedSecret,
    application_create,
    application_delete,
    application_update,
    contract_request,
    contract_withdraw,
    credential_rotate,
    tier_create,
    tier_delete,
    tier_update,
)
from portal.contracts.services.contracts import DECISIONS
from portal.core.api import ScopedViewSet
from portal.core.permissions import scope_of


class ApplicationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """The caller's own client applications. Nobody else reaches them, whatever their role."""

    queryset = ClientApplication.objects.prefetch_related("credentials")
    serializer_class = ApplicationSerializer
    http_method_names = ["get", "post", "patch", "delete"]
    filterset_fields = ["name", "client_id"]
    own_actions = ("create", "partial_update", "destroy", "rotate")

    def get_queryset(self) -> Any:
        """Return the caller's applications."""
        return applications_of(self.request.user).prefetch_related("credentials")

    def check_change(self, queryset: Any) -> None:
        """Allow the owner everything: nobody else gets this far."""

    def _issued(self, issued: IssuedSecret, code: int) -> Response:
        body = self.get_serializer(issued.application).data
        response = Response({**body, "client_secret": issued.secret}, status=code)
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(responses={201: IssuedApplicationSerializer})
    def create(self, request: Request) -> Response:
        """Create an application. This answer alone holds its secret."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self._issued(
            application_create(actor=request.user, **serializer.validated_data), status.HTTP_201_CREATED
        )

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change how an application is described."""
        application = self.get_object()
        serializer = self.get_serializer(application, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        described = {name: getattr(application, name) for name in ("name", "description", "url")}
        application = application_update(
            actor=request.user, application=application, **(described | serializer.validated_data)
        )
        return Response(self.get_serializer(application).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an application with its secrets and contracts."""
        application_delete(actor=request.user, application=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RotationSerializer, responses={200: IssuedApplicationSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Give a new secret. The one before keeps working for a while."""
        application = self.get_object()
        serializer = RotationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        issued = credential_rotate(actor=request.user, application=application, **serializer.validated_data)
        return self._issued(issued, status.HTTP_200_OK)


class ContractFilterSet(filters.FilterSet):
    """Contracts of an environment, an API instance, an application or in a state."""

    environment = filters.UUIDFilter(field_name="instance__environment")
    instance = filters.UUIDFilter(field_name="instance")
    application = filters.UUIDFilter(field_name="application")

    class Meta:
        model = Contract
        fields = ["environment", "instance", "application", "status"]


class ContractViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Contracts of the caller's applications, and of the environments where they hold `contract.view`."""

    queryset = Contract.objects.select_related("application__owner")
    serializer_class = ContractSerializer
    view_permission = "contract.view"
    change_permission = "contract.approve"
    filterset_class = ContractFilterSet
    http_method_names = ["get", "post", "delete"]
    own_actions = ("create", "withdraw")

    def get_queryset(self) -> Any:
        """Return what the caller may read, as provider or as developer."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return contracts_readable_by(self.request.user).select_related("application__owner")

    def create(self, request: Request) -> Response:
        """Ask access for an own application."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        contract = contract_request(actor=request.user, **serializer.validated_data)
        return Response(self.get_serializer(contract).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back a request of an own application that nobody has decided on."""
        own = self.get_queryset().filter(application__owner=request.user)
        contract_withdraw(actor=request.user, contract=get_object_or_404(own, pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _decide(self, name: str) -> Response:
        contract = DECISIONS[name](actor=self.request.user, contract=self.get_object())
        if contract is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(self.get_serializer(contract).data)

    @extend_schema(request=None, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Activate a pending contract."""
        return self._decide("approve")

    @extend_schema(request=None, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Answer a pending contract with no."""
        return self._decide("reject")

    @extend_schema(request=None, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """Take access away from an active contract."""
        return self._decide("revoke")

    @extend_schema(request=None, responses=ContractSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Give a revoked contract its access back."""
        return self._decide("restore")

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a contract that is not active."""
        return self._decide("delete")


class TierViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Tiers of API instances: of those offered to the caller, and of the environments where they hold a role."""

    queryset = SlaTier.objects.select_related("instance")
    serializer_class = TierSerializer
    view_permission = "contract.view"
    change_permission = "tier.change"
    filterset_fields = ["instance"]
    http_method_names = ["get", "post", "patch", "delete"]

    def get_queryset(self) -> Any:
        """Return what the caller may read, as provider or as developer."""
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return tiers_readable_by(self.request.user).select_related("instance")

    def get_serializer_class(self) -> Any:
        """A tier stays with its instance."""
        return TierChangeSerializer if self.action == "partial_update" else TierSerializer

    @staticmethod
    def _values(validated: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(validated)
        if "limits" in values:
            values["limits"] = [dict(limit) for limit in values["limits"]]
        return values

    def create(self, request: Request) -> Response:
        """Offer a tier on an instance."""
        scope = scope_of(request.user, self.change_permission)
        if not (scope.organizations or scope.environments):
            raise exceptions.PermissionDenied(f"Your role does not include {self.change_permission}.")
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        tier = tier_create(actor=request.user, **self._values(serializer.validated_data))
        return Response(self.get_serializer(tier).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a tier; new limits act at once."""
        tier = self.get_object()
        serializer = self.get_serializer(tier, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        described = {name: getattr(tier, name) for name in ("name", "description", "limits", "approval")}
        tier = tier_update(actor=request.user, tier=tier, **(described | self._values(serializer.validated_data)))
        return Response(self.get_serializer(tier).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw a tier that no contract uses."""
        tier_delete(actor=request.user, tier=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
