"""REST: how the targets of an API instance are."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer
from portal.publishing.targets import instance_targets


class SeenTargetSerializer(serializers.Serializer):
    """One target with the worst that a connected replica thinks of it."""

    service = serializers.CharField(source="service.name")
    target = serializers.CharField()
    state = serializers.CharField(help_text="healthy, unhealthy or ejected; empty where nobody watches it.")
    hosts = serializers.ListField(child=serializers.CharField(), help_text="The replicas that say so.")


class InstanceTargetsView(APIView):
    """Targets of an API instance, as its replicas see them now."""

    @extend_schema(
        operation_id="api_instances_targets_list",
        responses={200: SeenTargetSerializer(many=True), 404: ErrorSerializer},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List every target."""
        instance = get_object_or_404(ApiInstance.objects.visible_to(request.user, "instance.view"), pk=pk)
        return Response(SeenTargetSerializer(instance_targets(instance), many=True).data)
