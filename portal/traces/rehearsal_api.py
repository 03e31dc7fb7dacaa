"""REST: what would happen to a request."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer, ScopedRelatedField
from portal.core.errors import ApplicationError
from portal.traces.rehearsal import rehearse
from portal.traces.rehearsal_forms import RehearsalForm


class RehearsalRequestSerializer(serializers.Serializer):
    """A request as it would arrive at the gateway."""

    instance = ScopedRelatedField(
        queryset=ApiInstance.objects.select_related("gateway", "listener", "environment"), permission="instance.view"
    )
    method = serializers.CharField(default="GET")
    path = serializers.CharField(max_length=8000, help_text="From the base path on, with the query.")
    host = serializers.CharField(default="", allow_blank=True)
    headers = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    client_ip = serializers.CharField(default="192.0.2.1")
    body = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    application = serializers.UUIDField(
        required=False, allow_null=True, help_text="One that has asked for access to the instance."
    )


class RehearsedStepSerializer(serializers.Serializer):
    """What one policy would say."""

    policy = serializers.CharField()
    outcome = serializers.CharField()
    code = serializers.CharField(allow_blank=True)


class SentSerializer(serializers.Serializer):
    """Where the request would go."""

    service = serializers.CharField()
    targets = serializers.ListField(child=serializers.CharField())
    path = serializers.CharField()
    share = serializers.IntegerField(help_text="In percent.")


class RehearsalSerializer(serializers.Serializer):
    """What one configuration would do."""

    unavailable = serializers.CharField(help_text="Why nothing can be said; empty otherwise.")
    route = serializers.CharField()
    application = serializers.CharField()
    status = serializers.IntegerField(help_text="0 where the request goes on to a service.")
    policy = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    elsewhere = serializers.CharField(help_text="The other API that would get it.")
    depends = serializers.BooleanField(
        help_text="Whether a policy's word is missing, which would come in live traffic."
    )
    steps = RehearsedStepSerializer(many=True)
    sent = SentSerializer(many=True)


class RehearsedSerializer(serializers.Serializer):
    """What runs beside what is saved."""

    revision = serializers.IntegerField(source="revision.number", default=None, allow_null=True)
    differs = serializers.BooleanField()
    running = RehearsalSerializer()
    saved = RehearsalSerializer()


class RehearsalView(APIView):
    """What would happen to a request. Nothing is sent to anybody."""

    @extend_schema(
        operation_id="rehearsals_create",
        request=RehearsalRequestSerializer,
        responses={200: RehearsedSerializer, 400: ErrorSerializer, 403: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Rehearse a request."""
        asked = RehearsalRequestSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(asked.validated_data)
        instance = values.pop("instance")
        if not ApiInstance.objects.visible_to(request.user, "traffic.trace").filter(pk=instance.pk).exists():
            raise PermissionDenied("Your role does not include traffic.trace.")
        application = values.pop("application", None)
        values["headers"] = "\n".join(f"{name}: {value}" for name, value in values["headers"].items())
        form = RehearsalForm({**values, "application": application or ""}, instance=instance)
        if not form.is_valid():
            fields = {name: " ".join(map(str, texts)) for name, texts in form.errors.items()}
            raise ApplicationError("invalid", "Some fields need another value.", fields=fields)
        return Response(RehearsedSerializer(rehearse(instance=instance, asked=form.asked())).data)
