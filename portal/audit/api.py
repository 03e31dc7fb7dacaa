"""REST: the audit trail, for reading."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from portal.audit.chain import CONTENT
from portal.audit.filters import AuditEventFilter
from portal.audit.models import AuditEvent, UndoStep
from portal.audit.selectors import chain_state, event_whole
from portal.audit.undo import change_undo, undo_permission
from portal.core.api import ScopedViewSet
from portal.core.csv_export import csv_lines

ROWS_AT_ONCE = 500


class AuditEventSerializer(serializers.ModelSerializer):
    """One change."""

    class Meta:
        model = AuditEvent
        fields = [
            "id", "created_at", "organization_id", "environment_id", "actor_id", "actor_name", "action", "target_type",
            "target_id", "target_name", "before", "after", "message", "request_id",
        ]  # fmt: skip
        read_only_fields = fields


class ExportSerializer(serializers.Serializer):
    """How the file is written."""

    as_ = serializers.ChoiceField(choices=["csv", "jsonl"], default="jsonl")

    def get_fields(self) -> Any:
        """Name the field `as`, which Python keeps for itself."""
        fields = super().get_fields()
        fields["as"] = fields.pop("as_")
        return fields


class AuditVerificationSerializer(serializers.Serializer):
    """What the last verification of the whole log found."""

    verified_at = serializers.DateTimeField(allow_null=True, help_text="Null before the first verification.")
    intact = serializers.BooleanField(allow_null=True, help_text="Whether every entry was what was recorded.")
    faults = serializers.IntegerField(help_text="How many entries were changed, missing or added.")


class AuditEventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Changes in the caller's organizations, newest first."""

    queryset = AuditEvent.objects.order_by("-created_at", "-pk")
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    view_permission = "audit.view"
    # Nothing here can be changed by itself; what an undo takes depends on what is undone.
    change_permission = "audit.view"

    @extend_schema(request=None, responses=AuditEventSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def undo(self, request: Request, pk: str) -> Response:
        """Take a change back: within a day, and while the thing is still as this change left it."""
        event = self.get_object()
        step = UndoStep.objects.filter(event=event).first()
        if step is not None:
            needed = undo_permission(step)
            if not AuditEvent.objects.filter(pk=event.pk).visible_to(request.user, needed).exists():
                raise PermissionDenied(f"Your role does not include {needed}.")
        return Response(self.get_serializer(change_undo(actor=request.user, event=event)).data)

    @extend_schema(
        operation_id="audit_events_verification",
        responses=AuditVerificationSerializer,
        filters=False,
    )
    @action(detail=False, pagination_class=None, filterset_class=None)
    def verification(self, request: Request) -> Response:
        """Return what the last verification found. `portico audit verify` names the entries."""
        chain = chain_state()
        verified_at = chain.verified_at if chain is not None else None
        faults = chain.faults if chain is not None else 0
        state = {"verified_at": verified_at, "intact": not faults if verified_at else None, "faults": faults}
        return Response(AuditVerificationSerializer(state).data)

    @extend_schema(
        operation_id="audit_events_export",
        parameters=[OpenApiParameter("as", type=str, enum=["csv", "jsonl"], default="jsonl")],
        responses={
            (200, "application/jsonl"): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(detail=False, pagination_class=None)
    def export(self, request: Request) -> StreamingHttpResponse:
        """Return all events that the filters leave, as CSV or as one JSON object in each line."""
        asked = ExportSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        # In pieces, so that neither a long log nor a slow reader fills the memory.
        events = self.filter_queryset(self.get_queryset()).iterator(chunk_size=ROWS_AT_ONCE)
        ending = asked.validated_data["as"]
        if ending == "csv":
            pieces, content_type = csv_lines(list(CONTENT), map(_cells, events)), "text/csv; charset=utf-8"
        else:
            pieces = (f"{json.dumps(event_whole(event), cls=DjangoJSONEncoder)}\n" for event in events)
            content_type = "application/jsonl"
        response = StreamingHttpResponse(pieces, content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="audit-log.{ending}"'
        response["Cache-Control"] = "no-store"
        return response


def _cells(event: AuditEvent) -> list[Any]:
    whole = event_whole(event)
    whole["created_at"] = event.created_at.isoformat()
    return [json.dumps(value) if isinstance(value, dict) else value for value in whole.values()]
