"""Traffic figures over REST: what the charts draw and pipelines read."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.analytics.ranges import DEFAULT_RANGE, QUICK_RANGES, quick_range
from portal.analytics.selectors import CLASSES, Traffic, environment_traffic, instance_traffic
from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer
from portal.organizations.models import Environment


class TrafficQuerySerializer(serializers.Serializer):
    """What can be asked for."""

    environment = serializers.UUIDField(required=False)
    instance = serializers.UUIDField(required=False)
    range = serializers.ChoiceField(choices=list(QUICK_RANGES), default=DEFAULT_RANGE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a question about nothing."""
        if "environment" not in attrs and "instance" not in attrs:
            raise serializers.ValidationError({"environment": "Name an environment or an instance."})
        return attrs


class PointSerializer(serializers.Serializer):
    """One point of a chart: requests by status class, and latencies in milliseconds."""

    time = serializers.DateTimeField()
    requests = serializers.IntegerField()
    classes = serializers.SerializerMethodField()
    refused = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)

    def get_classes(self, point: Any) -> dict[str, int]:
        """Return requests by status class, all classes present."""
        return {name: point.classes[name] for name in CLASSES}


class RefusalsSerializer(serializers.Serializer):
    """Requests one policy refused for one reason."""

    policy = serializers.CharField()
    code = serializers.CharField()
    status = serializers.IntegerField()
    requests = serializers.IntegerField()


class ShadowVerdictSerializer(serializers.Serializer):
    """Calls a policy in shadow mode would have ended for one reason."""

    policy = serializers.CharField()
    code = serializers.CharField()
    status = serializers.IntegerField()
    calls = serializers.IntegerField()
    applications = serializers.IntegerField(help_text="How many known applications made them.")


class ShadowFiguresSerializer(serializers.Serializer):
    """What policies in shadow mode would have refused."""

    calls = serializers.IntegerField()
    applications = serializers.IntegerField()
    verdicts = ShadowVerdictSerializer(many=True)


class TrafficSerializer(serializers.Serializer):
    """The figures of one time range. Latencies are in milliseconds."""

    start = serializers.DateTimeField(source="range.start")
    end = serializers.DateTimeField(source="range.end")
    step_seconds = serializers.SerializerMethodField()
    requests = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]  # DRF keeps the name for itself before validation
    refused = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    statuses = serializers.SerializerMethodField()
    refusals = RefusalsSerializer(many=True)
    shadow = ShadowFiguresSerializer()
    points = PointSerializer(many=True)

    def get_step_seconds(self, traffic: Traffic) -> int:
        """Return how wide a point is."""
        return int(traffic.range.step.total_seconds())

    def get_statuses(self, traffic: Traffic) -> dict[str, int]:
        """Return requests by status."""
        return {str(status): count for status, count in traffic.statuses}


class TrafficView(APIView):
    """Traffic of an environment or of one API instance."""

    @extend_schema(
        operation_id="traffic_retrieve",
        parameters=[
            OpenApiParameter("environment", type={"type": "string", "format": "uuid"}),
            OpenApiParameter("instance", type={"type": "string", "format": "uuid"}),
            OpenApiParameter("range", type=str, enum=list(QUICK_RANGES), default=DEFAULT_RANGE),
        ],
        responses={200: TrafficSerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return requests by time, latencies and refusals."""
        query = TrafficQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        time_range = quick_range(asked["range"])
        if "instance" in asked:
            instance = self._visible(ApiInstance, asked["instance"])
            if asked.get("environment", instance.environment_id) != instance.environment_id:
                raise Http404
            traffic = instance_traffic(user=request.user, instance=instance, time_range=time_range)
        else:
            environment = self._visible(Environment, asked["environment"])
            traffic = environment_traffic(user=request.user, environment=environment, time_range=time_range)
        return Response(TrafficSerializer(traffic).data)

    def _visible(self, model: Any, pk: Any) -> Any:
        return get_object_or_404(model.objects.visible_to(self.request.user, "traffic.view"), pk=pk)
