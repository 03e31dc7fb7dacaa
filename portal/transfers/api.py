"""REST: API instances as declarative files."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer, ScopedRelatedField
from portal.transfers.export import Exported, exported_instances
from portal.transfers.export_services import MOST_INSTANCES, instances_hand_out


class ExportSerializer(serializers.Serializer[Any]):
    """What to export."""

    instances = serializers.ListField(
        child=ScopedRelatedField(queryset=ApiInstance.objects.order_by("pk"), permission="policy.view"),
        allow_empty=False,
        max_length=MOST_INSTANCES,
    )
    tiers = serializers.BooleanField(default=False, help_text="With the tiers that they offer.")
    contracts = serializers.BooleanField(default=False, help_text="With the applications that may call them.")
    automated = serializers.BooleanField(
        default=False, help_text="With the policies of their environment that act on them; an import leaves them out."
    )


class VariableSerializer(serializers.Serializer[Any]):
    """A secret that is left out: the variable in its place, and what it is."""

    name = serializers.CharField()
    about = serializers.CharField()


class ExportedSerializer(serializers.Serializer[Any]):
    """A file, and what has to be known of it."""

    file = serializers.CharField(source="text", help_text="YAML.")
    variables = VariableSerializer(many=True, help_text="What to set where the file is used.")
    notes = serializers.ListField(child=serializers.CharField())


class ExportView(APIView):
    """API instances as one declarative file."""

    @extend_schema(
        operation_id="exports_create",
        request=ExportSerializer,
        responses={200: ExportedSerializer, 400: ErrorSerializer, 409: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Return the file. Secrets are never in it: variables stand in their place."""
        serializer = ExportSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        ids = [instance.pk for instance in asked.pop("instances")]
        rows = exported_instances(ApiInstance.objects.visible_to(request.user, "policy.view").filter(pk__in=ids))
        exported: Exported = instances_hand_out(actor=request.user, instances=rows, **asked)
        return Response(ExportedSerializer(exported).data)
