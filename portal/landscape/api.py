"""REST: which API calls which, and as whom."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.models import ApiInstance
from portal.catalog.models import Layer
from portal.contracts.models import ClientApplication
from portal.core.api import ErrorSerializer
from portal.core.errors import ApplicationError
from portal.landscape.selectors import applications_offered, environment_landscape
from portal.landscape.services import callers_set
from portal.organizations.models import Environment


class LandscapeQuerySerializer(serializers.Serializer[Any]):
    """What can be asked for."""

    environment = serializers.UUIDField()
    layer = serializers.ChoiceField(choices=Layer.choices, required=False)


class PlaceSerializer(serializers.Serializer[Any]):
    """One API instance."""

    id = serializers.UUIDField(source="pk")
    name = serializers.CharField()
    layer = serializers.CharField()


class CallSerializer(serializers.Serializer[Any]):
    """One API calls another."""

    caller = serializers.UUIDField(source="caller.pk")
    called = serializers.UUIDField(source="called.pk")
    services = serializers.ListField(child=serializers.CharField(), help_text="Services that lead there.")
    applications = serializers.ListField(child=serializers.CharField(), help_text="As which it has called.")
    requests = serializers.IntegerField(help_text="Of the last seven days.")


class LandscapeSerializer(serializers.Serializer[Any]):
    """The instances of an environment, and the calls between them."""

    instances = PlaceSerializer(many=True)
    calls = CallSerializer(many=True)


class LandscapeView(APIView):
    """Which API calls which."""

    @extend_schema(
        operation_id="landscape_retrieve",
        parameters=[
            OpenApiParameter("environment", type={"type": "string", "format": "uuid"}, required=True),
            OpenApiParameter("layer", type=str, enum=Layer.values),
        ],
        responses={200: LandscapeSerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return instances and calls of an environment; with a layer, those of it and their neighbours."""
        query = LandscapeQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        visible = Environment.objects.visible_to(request.user, "instance.view")
        environment = get_object_or_404(visible, pk=query.validated_data["environment"])
        found = environment_landscape(
            user=request.user, environment=environment, layer=query.validated_data.get("layer", "")
        )
        return Response(LandscapeSerializer(found).data)


class CallersSerializer(serializers.Serializer[Any]):
    """The client applications as which an instance calls other APIs."""

    applications = serializers.ListField(child=serializers.UUIDField(), max_length=100)


class CallersView(APIView):
    """As whom an API instance calls others."""

    @extend_schema(operation_id="api_instances_callers_retrieve", responses={200: CallersSerializer})
    def get(self, request: Request, pk: UUID) -> Response:
        """Return the applications."""
        instance = get_object_or_404(ApiInstance.objects.visible_to(request.user, "instance.view"), pk=pk)
        return self._answer(instance)

    @extend_schema(
        operation_id="api_instances_callers_update",
        request=CallersSerializer,
        responses={200: CallersSerializer, 400: ErrorSerializer, 403: ErrorSerializer},
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Say as which applications it calls others, and as no others."""
        instance = get_object_or_404(ApiInstance.objects.visible_to(request.user, "instance.view"), pk=pk)
        if not ApiInstance.objects.visible_to(request.user, "instance.change").filter(pk=pk).exists():
            raise PermissionDenied("Your role does not include instance.change.")
        serializer = CallersSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = set(serializer.validated_data["applications"])
        found: list[ClientApplication] = list(applications_offered(instance.environment).filter(pk__in=asked))
        if len(found) != len(asked):
            sentence = f"One of them has no contract in {instance.environment.name}. Choose one that has."
            raise ApplicationError("application_elsewhere", sentence, fields={"applications": sentence})
        callers_set(actor=request.user, instance=instance, applications=found)
        return self._answer(instance)

    def _answer(self, instance: ApiInstance) -> Response:
        ids = list(instance.callers.values_list("application_id", flat=True))
        return Response(CallersSerializer({"applications": ids}).data)
