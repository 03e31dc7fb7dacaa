"""REST: the audit trail, for reading."""

from rest_framework import mixins, serializers

from portal.audit.filters import AuditEventFilter
from portal.audit.models import AuditEvent
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
    # Nothing here can be changed; a name is needed all the same.
    change_permission = "audit.view"
