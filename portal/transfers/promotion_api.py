"""REST: instances brought to another environment."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer, ScopedRelatedField
from portal.gateways.models import Gateway
from portal.transfers.export_services import MOST_INSTANCES
from portal.transfers.import_api import ImportedSerializer, refuse_without
from portal.transfers.promotion import Parts, instances_promote, promoted_instances


class PromotionSerializer(serializers.Serializer[Any]):
    """Which instances, where to, and what goes along."""

    instances = serializers.ListField(
        child=ScopedRelatedField(queryset=ApiInstance.objects.order_by("pk"), permission="policy.view"),
        allow_empty=False,
        max_length=MOST_INSTANCES,
    )
    gateway = ScopedRelatedField(queryset=Gateway.objects.select_related("environment"), permission="gateway.view")
    port = serializers.IntegerField(
        required=False, min_value=1, max_value=65535, help_text="Without it: the port there, else the same as here."
    )
    services = serializers.BooleanField(default=True, help_text="Services and routes; a new instance needs them.")
    policies = serializers.BooleanField(default=True)
    tiers = serializers.BooleanField(default=False)
    labels = serializers.BooleanField(default=True)
    urls = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(max_length=500)),
        required=False,
        help_text="Addresses there: by the id of an instance, then by the name of a service.",
    )
    variables = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False), required=False, write_only=True, help_text="Secrets there."
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would be another.")


class PromotionView(APIView):
    """Instances brought to another environment."""

    @extend_schema(
        operation_id="promotions_create",
        request=PromotionSerializer,
        responses={200: ImportedSerializer, 400: ErrorSerializer, 403: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make instances on a gateway what others are: all, or none where anything is wrong."""
        serializer = PromotionSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        refuse_without(request.user, asked["gateway"].environment)
        ids = [each.pk for each in asked["instances"]]
        told = instances_promote(
            actor=request.user,
            instances=promoted_instances(
                ApiInstance.objects.visible_to(request.user, "policy.view").filter(pk__in=ids)
            ),
            gateway=asked["gateway"],
            port=asked.get("port"),
            parts=Parts(**{name: asked[name] for name in ("services", "policies", "tiers", "labels")}),
            urls=asked.get("urls"),
            variables=asked.get("variables"),
            dry_run=asked["dry_run"],
        )
        return Response(ImportedSerializer(told).data)
