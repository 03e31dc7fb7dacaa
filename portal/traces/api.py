"""REST: traces to read, and tokens that ask for more."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gateway_runtime.schema.trace_token import HEADER
from portal.apis.models import ApiInstance
from portal.core.api import ErrorSerializer, ScopedRelatedField, ScopedViewSet
from portal.traces.filters import TraceRestFilter
from portal.traces.models import Trace
from portal.traces.selectors import reason_of
from portal.traces.services import DEFAULT_MINUTES, MOST_MINUTES, trace_token_create


class StepSerializer(serializers.Serializer):
    """One policy in the walk. Times are microseconds; `saw` is null where it found the same as the step before."""

    policy = serializers.CharField()
    phase = serializers.CharField()
    outcome = serializers.CharField()
    code = serializers.CharField()
    at_us = serializers.IntegerField()
    took_us = serializers.IntegerField()
    saw = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), allow_null=True, help_text="Masked headers."
    )


class AttemptSerializer(serializers.Serializer):
    """One time that a service was asked."""

    target = serializers.CharField()
    at_us = serializers.IntegerField()
    took_us = serializers.IntegerField()
    status = serializers.IntegerField(help_text="0 where it did not answer.")
    code = serializers.CharField()


class TraceSerializer(serializers.ModelSerializer):
    """A refused or traced request."""

    would_refuse = serializers.SerializerMethodField()

    class Meta:
        model = Trace
        fields = [
            "id", "kind", "request_id", "at", "environment", "gateway_id", "replica_id", "revision", "instance",
            "route_name", "application", "application_name", "method", "host", "path", "client", "status", "policy",
            "code", "would_refuse", "duration_us",
        ]  # fmt: skip
        read_only_fields = fields

    def get_would_refuse(self, trace: Trace) -> list[str]:
        """Return the policies in shadow mode that would have refused it."""
        return trace.would_refuse.split()


class TraceDetailSerializer(TraceSerializer):
    """With its steps, and what its reason means."""

    reason = serializers.SerializerMethodField()
    docs = serializers.SerializerMethodField()
    query = serializers.SerializerMethodField()
    upstream_path = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()

    class Meta(TraceSerializer.Meta):
        fields = [
            *TraceSerializer.Meta.fields, "reason", "docs", "query", "upstream_path", "steps", "attempts"
        ]  # fmt: skip
        read_only_fields = fields

    def get_reason(self, trace: Trace) -> str:
        """Return what the reason code means."""
        return reason_of(trace.policy, trace.code)[0] if trace.code else ""

    def get_docs(self, trace: Trace) -> str:
        """Return the path of the page that has the reason code."""
        return reason_of(trace.policy, trace.code)[1] if trace.code else ""

    def get_query(self, trace: Trace) -> list[list[str]]:
        """Return names and masked values."""
        found: list[list[str]] = trace.detail.get("query", [])
        return found

    def get_upstream_path(self, trace: Trace) -> str:
        """Return what the service was asked for."""
        return str(trace.detail.get("upstream_path", ""))

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, trace: Trace) -> list[dict[str, Any]]:
        """Return the policies in order."""
        return list(StepSerializer(trace.detail.get("steps", []), many=True).data)

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, trace: Trace) -> list[dict[str, Any]]:
        """Return how the service was asked."""
        return list(AttemptSerializer(trace.detail.get("attempts", []), many=True).data)


class TraceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Refused and traced requests of the last day, newest first."""

    queryset = Trace.objects.order_by("-at", "-pk")
    serializer_class = TraceSerializer
    filterset_class = TraceRestFilter
    view_permission = "traffic.view"
    change_permission = "traffic.trace"
    lookup_value_regex = "[A-Za-z0-9-]+"

    def get_queryset(self) -> Any:
        """Return the rows, of which only a single one is read with its steps."""
        rows = super().get_queryset()
        return rows if self.action == "retrieve" else rows.defer("detail")

    def get_serializer_class(self) -> type[TraceSerializer]:
        """Return the longer shape for a single trace."""
        return TraceDetailSerializer if self.action == "retrieve" else TraceSerializer


class TraceTokenRequestSerializer(serializers.Serializer):
    """Which API, and for how long."""

    instance = ScopedRelatedField(
        queryset=ApiInstance.objects.select_related("gateway", "listener"), permission="instance.view"
    )
    minutes = serializers.IntegerField(default=DEFAULT_MINUTES, min_value=1, max_value=MOST_MINUTES)


class TraceTokenSerializer(serializers.Serializer):
    """A token. It is shown this one time."""

    id = serializers.CharField()
    token = serializers.CharField()
    header = serializers.CharField(help_text="The request header that brings it.")
    expires_at = serializers.DateTimeField()
    curl = serializers.CharField()


class TraceTokenView(APIView):
    """Tokens that let requests to an API be traced."""

    @extend_schema(
        operation_id="trace_tokens_create",
        request=TraceTokenRequestSerializer,
        responses={201: TraceTokenSerializer, 400: ErrorSerializer, 403: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a token."""
        asked = TraceTokenRequestSerializer(data=request.data, context={"request": request})
        asked.is_valid(raise_exception=True)
        instance = asked.validated_data["instance"]
        if not ApiInstance.objects.visible_to(request.user, "traffic.trace").filter(pk=instance.pk).exists():
            raise PermissionDenied("Your role does not include traffic.trace.")
        made = trace_token_create(actor=request.user, instance=instance, minutes=asked.validated_data["minutes"])
        shown = {"id": made.id, "token": made.token, "header": HEADER, "expires_at": made.expires_at, "curl": made.curl}
        return Response(TraceTokenSerializer(shown).data, status=status.HTTP_201_CREATED)
