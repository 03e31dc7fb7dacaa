"""REST: the audit trail, for reading."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from portal.audit.filters import AuditEventFilter
from portal.audit.models import AuditEvent, UndoStep
from portal.audit.undo import change_undo, undo_permission
from portal.core.api import ScopedViewSet


class AuditEventSerializer(serializers.ModelSerializer):
    """One change."""

    class Meta:
        model = AuditEvent
        fields = [
            "id", "created_at", "organization_id", "environment_id", "actor_id", "actor_name", "action", "target_type",
            "target_id", "target_name", "before", "after", "message", "request_id",
        ]  # fmt: skip
        read_only_fields = fields


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
