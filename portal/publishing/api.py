"""REST: revisions, to read and to restore."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedViewSet
from portal.publishing import services
from portal.publishing.models import Revision
from portal.publishing.serializers import RevisionDetailSerializer, RevisionSerializer


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

    @extend_schema(request=None, responses={201: RevisionSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Publish the APIs and policies of this revision under a new number."""
        restored = services.revision_restore(revision=self.get_object(), actor=request.user)
        return Response(RevisionSerializer(restored).data, status=status.HTTP_201_CREATED)
