"""REST: `/api/v1/replicas/`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import mixins, serializers

from portal.core.api import ScopedViewSet
from portal.gateways.filters import ReplicaFilter
from portal.gateways.models import Replica
from portal.gateways.replica_selectors import ReplicaDetail, replicas_with_lag
from portal.gateways.selectors import replica_state


class ReplicaSerializer(serializers.ModelSerializer):
    """One running gateway, from `replicas_with_lag`."""

    connection = serializers.SerializerMethodField()
    up_seconds = serializers.SerializerMethodField(help_text="For how long it runs, or has run.")
    behind = serializers.SerializerMethodField(help_text="How many published revisions it lacks; 0 when disconnected.")
    behind_seconds = serializers.SerializerMethodField(help_text="For how long it has lacked the first of them.")

    class Meta:
        model = Replica
        fields = [
            "id", "gateway", "replica_id", "connection", "host", "pid", "version", "workers", "started_at",
            "up_seconds", "seen_at", "revision", "behind", "behind_seconds", "clock_skew_seconds",
            "certificate_expires_at", "registration", "state", "error_code", "message", "stopping", "served",
            "waiting", "dropped",
        ]  # fmt: skip

    @extend_schema_field(OpenApiTypes.STR)
    def get_connection(self, replica: Any) -> str:
        """Return whether it is heard of now."""
        return self._detail(replica).state.value

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_up_seconds(self, replica: Any) -> float:
        """Return for how long it runs."""
        return round(self._detail(replica).up_seconds, 3)

    @extend_schema_field(OpenApiTypes.INT)
    def get_behind(self, replica: Any) -> int:
        """Return how many revisions it lacks."""
        return self._detail(replica).behind

    @extend_schema_field(OpenApiTypes.FLOAT)
    def get_behind_seconds(self, replica: Any) -> float:
        """Return for how long."""
        return round(self._detail(replica).behind_seconds, 3)

    @staticmethod
    def _detail(replica: Any) -> ReplicaDetail:
        now = timezone.now()
        return ReplicaDetail(replica, replica_state(replica, now), now, 0)


class ReplicaViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Replicas of gateways, the one heard last first."""

    queryset = replicas_with_lag(Replica.objects.order_by("-seen_at", "pk"))
    serializer_class = ReplicaSerializer
    filterset_class = ReplicaFilter
    view_permission = "gateway.view"
    change_permission = "gateway.change"
