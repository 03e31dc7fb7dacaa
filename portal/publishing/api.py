"""REST: revisions, to read and to restore."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedViewSet
from portal.core.errors import ApplicationError
from portal.publishing import services
from portal.publishing.models import Hold, Revision
from portal.publishing.selectors import changes_between
from portal.publishing.serializers import (
    ComparisonSerializer,
    HoldDetailSerializer,
    HoldSerializer,
    RevisionDetailSerializer,
    RevisionSerializer,
)


class RevisionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """The configurations that were made for gateways, newest first."""

    queryset = Revision.objects.select_related("gateway__environment").defer("envelope")
    serializer_class = RevisionSerializer
    view_permission = "revision.view"
    change_permission = "gateway.publish"
    filterset_fields = ["gateway", "number"]

    def get_serializer_class(self) -> type[RevisionSerializer]:
        """Return the longer shape for a single revision."""
        return RevisionDetailSerializer if self.action == "retrieve" else RevisionSerializer

    @extend_schema(
        parameters=[OpenApiParameter("base", int, required=True, description="Number of the revision to compare with")],
        responses=ComparisonSerializer,
    )
    @action(detail=True, methods=["get"], pagination_class=None, filterset_fields=[])
    def compare(self, request: Request, pk: str) -> Response:
        """Say what this revision has otherwise than another one of its gateway."""
        revision = self.get_object()
        base = _base(revision, request.query_params.get("base", ""))
        changes = changes_between(base, revision, user=request.user)
        shown = {"base": base.number, "number": revision.number, "changes": changes}
        return Response(ComparisonSerializer(shown).data)

    @extend_schema(request=None, responses={201: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Publish the APIs and policies of this revision under a new number."""
        restored = services.revision_restore(revision=self.get_object(), actor=request.user)
        return Response(RevisionSerializer(restored).data, status=status.HTTP_201_CREATED)


class HoldViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """The gateways that are held, and what waits on them."""

    queryset = Hold.objects.select_related("gateway__environment", "revision").order_by("created_at")
    serializer_class = HoldSerializer
    view_permission = "revision.view"
    change_permission = "gateway.publish"
    filterset_fields = ["gateway"]

    def get_serializer_class(self) -> type[HoldSerializer]:
        """Return the longer shape for a single hold."""
        return HoldDetailSerializer if self.action == "retrieve" else HoldSerializer

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """End the hold and publish what waits."""
        services.hold_release(hold=self.get_object(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _base(revision: Revision, asked: str) -> Revision:
    """Return the revision of the same gateway with the number that was asked for."""
    found = revision.gateway.revisions.filter(number=int(asked)).first() if asked.isdigit() else None
    if found is None:
        sentence = f"{revision.gateway} has no revision “{asked}”. Give the number of one of its revisions."
        raise ApplicationError("unknown_revision", sentence, fields={"base": sentence})
    return found
