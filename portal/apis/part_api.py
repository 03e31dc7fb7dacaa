"""REST: `/api/v1/services/` and `/api/v1/routes/`."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.apis import route_services, service_services
from portal.apis.models import Route, Service
from portal.apis.part_serializers import (
    PlaceSerializer,
    RouteChangeSerializer,
    RouteSerializer,
    ServiceChangeSerializer,
    ServiceSerializer,
)
from portal.apis.service_settings import SECRET
from portal.core.api import ErrorSerializer, ScopedViewSet
from portal.core.setting_forms.secrets import masked, split


class ServiceFilter(django_filters.FilterSet):
    """Filters of `/api/v1/services/`."""

    instance = django_filters.UUIDFilter(field_name="instance_id")

    class Meta:
        model = Service
        fields = ["name"]


class RouteFilter(django_filters.FilterSet):
    """Filters of `/api/v1/routes/`."""

    instance = django_filters.UUIDFilter(field_name="instance_id")

    class Meta:
        model = Route
        fields = ["name"]


class _PartViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    view_permission = "instance.view"
    change_permission = "instance.change"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    change_serializer_class: Any

    def _changes(self, request: Request) -> dict[str, Any]:
        context = self.get_serializer_context()
        serializer = self.change_serializer_class(data=request.data, partial=True, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _new(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _answer(self, part: Any, status_code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=part.pk)).data, status=status_code)


class ServiceViewSet(_PartViewSet):
    """Services of API instances: backends, and how they are asked."""

    queryset = Service.objects.select_related("instance__environment").order_by("instance_id", "name", "pk")
    serializer_class = ServiceSerializer
    change_serializer_class = ServiceChangeSerializer
    filterset_class = ServiceFilter

    def shown_request(self, instance: Service) -> Any:
        """Return what was sent without the secret settings."""
        sent: Any = self.request.data
        settings = sent.get("settings") if isinstance(sent, dict) else None
        return {**sent, "settings": masked(*split(settings, SECRET))} if isinstance(settings, dict) else sent

    @extend_schema(responses={201: ServiceSerializer, 400: ErrorSerializer})
    def create(self, request: Request) -> Response:
        """Add a service to an instance."""
        made = service_services.service_create(actor=request.user, **self._new(request))
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=ServiceChangeSerializer, responses=ServiceSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a service. `settings` replaces all of them; secrets that are left empty or masked are kept."""
        service = self.get_object()
        return self._answer(
            service_services.service_update(actor=request.user, service=service, **self._changes(request))
        )

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a service that no route leads to."""
        service_services.service_delete(actor=request.user, service=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RouteViewSet(_PartViewSet):
    """Routes of API instances, in the order in which they are tried."""

    queryset = (
        Route.objects.select_related("instance__environment")
        .prefetch_related("destinations")
        .order_by("instance_id", "order", "created_at", "pk")
    )
    serializer_class = RouteSerializer
    change_serializer_class = RouteChangeSerializer
    filterset_class = RouteFilter

    @extend_schema(responses={201: RouteSerializer, 400: ErrorSerializer})
    def create(self, request: Request) -> Response:
        """Add a route: tried last, but before one that takes every request."""
        made = route_services.route_create(actor=request.user, **self._new(request))
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=RouteChangeSerializer, responses=RouteSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a route. Its conditions and destinations are replaced as a whole."""
        route = self.get_object()
        return self._answer(route_services.route_update(actor=request.user, route=route, **self._changes(request)))

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a route."""
        route_services.route_delete(actor=request.user, route=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=PlaceSerializer, responses=RouteSerializer)
    @action(detail=True, methods=["post"])
    def place(self, request: Request, pk: str) -> Response:
        """Let a route be tried earlier or later."""
        route = self.get_object()
        serializer = PlaceSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        position = serializer.validated_data["position"]
        moved = route_services.route_place(actor=request.user, route=route, position=position)
        return self._answer(moved)
