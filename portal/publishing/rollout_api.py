"""REST: staged changes, how gateways stage, and who runs what."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.gateways.models import Gateway
from portal.publishing import rollout_services
from portal.publishing.drift import gateways_drift
from portal.publishing.models import Rollout, RolloutKind, Staging
from portal.publishing.rollouts import TRIAL_FIELDS, staging_of
from portal.publishing.selectors import rollout_changes
from portal.publishing.serializers import ChangeSerializer, RevisionSerializer
from portal.publishing.verdict import rollout_figures


class FiguresSerializer(serializers.Serializer[Any]):
    """Requests to the APIs that differ, as one of the two revisions answered them."""

    requests = serializers.IntegerField()
    failed = serializers.IntegerField(source="errors")
    refused = serializers.IntegerField()
    error_percent = serializers.FloatField(allow_null=True)
    p95_ms = serializers.FloatField(allow_null=True)


class BothFiguresSerializer(serializers.Serializer[Any]):
    """How the two do, since the candidate is there."""

    stable = FiguresSerializer()
    candidate = FiguresSerializer()


class TrialSerializer(serializers.ModelSerializer[Any]):
    """Who gets a candidate first, and by what it is undone or promoted by itself."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for the replica where one is to get it, and forget it where none is."""
        if attrs.get("kind") == RolloutKind.REPLICA and not attrs.get("replica_id"):
            raise serializers.ValidationError({"replica_id": "Name a replica."})
        if attrs.get("kind") == RolloutKind.PERCENT:
            attrs["replica_id"] = ""
        return attrs


class StagingSerializer(TrialSerializer):
    """What a save does on a gateway: publish at once, or stage first in this way."""

    class Meta:
        model = Staging
        fields = ["stage_changes", *TRIAL_FIELDS]


class RolloutSerializer(TrialSerializer):
    """A candidate that some requests get before all do."""

    gateway: Any = ScopedRelatedField(queryset=Gateway.objects.all(), permission="gateway.publish")
    stable_number = serializers.IntegerField(source="stable.number", read_only=True)
    candidate_number = serializers.IntegerField(source="candidate.number", read_only=True, allow_null=True)

    class Meta:
        model = Rollout
        fields = [
            "id", "gateway", *TRIAL_FIELDS, "stable", "stable_number", "candidate", "candidate_number", "state",
            "actor_name", "message", "people", "reason", "ended_by", "ended_at", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "stable", "candidate", "state", "actor_name", "message", "people", "reason", "ended_by", "ended_at",
        ]  # fmt: skip


class RolloutChangeSerializer(RolloutSerializer):
    """What of an open rollout can be changed."""

    gateway: Any = serializers.PrimaryKeyRelatedField(read_only=True)


class RolloutDetailSerializer(RolloutSerializer):
    """A rollout with what is in it and how it does."""

    changes = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()

    class Meta(RolloutSerializer.Meta):
        fields = [*RolloutSerializer.Meta.fields, "changes", "figures"]

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, rollout: Rollout) -> Any:
        """Return what the candidate has otherwise; nothing once the rollout has ended."""
        open_ = rollout.state == "open"
        return ChangeSerializer(rollout_changes(rollout, self.context["request"].user) if open_ else [], many=True).data

    @extend_schema_field(BothFiguresSerializer)
    def get_figures(self, rollout: Rollout) -> Any:
        """Return how stable revision and candidate answered."""
        stable, candidate = rollout_figures(rollout)
        return BothFiguresSerializer({"stable": stable, "candidate": candidate}).data


class PromoteSerializer(serializers.Serializer[Any]):
    """The candidate that was seen. Another one is refused with 409."""

    candidate = serializers.IntegerField(min_value=1, required=False)


class RolloutViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Staged changes: open ones and those that have ended."""

    queryset = Rollout.objects.select_related("gateway__environment", "stable", "candidate")
    serializer_class = RolloutSerializer
    view_permission = "revision.view"
    change_permission = "gateway.publish"
    filterset_fields = ["gateway", "state"]

    def get_serializer_class(self) -> type[RolloutSerializer]:
        """Return the longer shape for a single rollout."""
        return RolloutDetailSerializer if self.action == "retrieve" else RolloutSerializer

    @extend_schema(request=RolloutSerializer, responses={201: RolloutSerializer})
    def create(self, request: Request) -> Response:
        """Stage what waits on a held gateway."""
        serializer = RolloutSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        rollout = rollout_services.rollout_start(actor=request.user, **serializer.validated_data)
        return Response(RolloutSerializer(rollout).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RolloutChangeSerializer, responses=RolloutSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give an open candidate to other requests, or judge it otherwise."""
        rollout = self.get_object()
        serializer = RolloutChangeSerializer(rollout, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = rollout_services.rollout_update(rollout=rollout, actor=request.user, **serializer.validated_data)
        return Response(RolloutSerializer(changed).data)

    @extend_schema(request=PromoteSerializer, responses={201: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        """Give the candidate to all requests."""
        serializer = PromoteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        revision = rollout_services.rollout_promote(
            rollout=self.get_object(), actor=request.user, candidate=serializer.validated_data.get("candidate")
        )
        return Response(RevisionSerializer(revision).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take the candidate back, and hold the gateway."""
        revision = rollout_services.rollout_undo(rollout=self.get_object(), actor=request.user)
        return Response(RevisionSerializer(revision).data, status=status.HTTP_201_CREATED)


def _gateway(request: Request, gateway_pk: Any, permission: str) -> Gateway:
    rows = Gateway.objects.filter(pk=gateway_pk).select_related("environment")
    if not rows.visible_to(request.user, "revision.view").exists():
        raise Http404
    found = rows.visible_to(request.user, permission).first()
    if found is None:
        raise exceptions.PermissionDenied(f"Your role does not include {permission}.")
    return found


class StagingView(APIView):
    """What a save does on a gateway."""

    @extend_schema(responses=StagingSerializer)
    def get(self, request: Request, gateway_pk: Any) -> Response:
        """Return it."""
        return Response(StagingSerializer(staging_of(_gateway(request, gateway_pk, "revision.view"))).data)

    @extend_schema(request=StagingSerializer, responses=StagingSerializer)
    def patch(self, request: Request, gateway_pk: Any) -> Response:
        """Change it."""
        gateway = _gateway(request, gateway_pk, "gateway.publish")
        serializer = StagingSerializer(staging_of(gateway), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        staging = rollout_services.staging_update(gateway=gateway, actor=request.user, **serializer.validated_data)
        return Response(StagingSerializer(staging).data)


class RunningReplicaSerializer(serializers.Serializer[Any]):
    """One replica with what it runs."""

    replica_id = serializers.CharField()
    host = serializers.CharField()
    revision = serializers.IntegerField()
    behind = serializers.IntegerField()
    state = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField()
    candidate = serializers.IntegerField()
    share = serializers.FloatField()
    reason = serializers.CharField()


class DriftSerializer(serializers.Serializer[Any]):
    """One gateway with its newest revision and who runs what."""

    gateway = serializers.UUIDField(source="gateway.pk")
    gateway_name = serializers.CharField(source="gateway.name")
    newest = serializers.IntegerField()
    behind = serializers.IntegerField()
    replicas = RunningReplicaSerializer(many=True)


class DriftView(APIView):
    """Who runs what, on all gateways that one may see. `?gateway=` and `?environment=` narrow it."""

    @extend_schema(responses=DriftSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Return every gateway with its replicas."""
        rows = Gateway.objects.visible_to(request.user, "revision.view")
        for name, lookup in (("gateway", "pk"), ("environment", "environment")):
            if asked := request.query_params.get(name):
                field = serializers.UUIDField()
                try:
                    rows = rows.filter(**{lookup: field.run_validation(asked)})
                except serializers.ValidationError as error:
                    raise serializers.ValidationError({name: error.detail}) from error
        return Response(DriftSerializer(gateways_drift(rows), many=True).data)
