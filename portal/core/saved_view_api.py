"""REST: one's own views of lists."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.models import SavedView
from portal.core.saved_views import saved_view_delete, saved_view_save


class SavedViewSerializer(serializers.ModelSerializer):
    """A list's address and query string under a name."""

    url = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = SavedView
        fields = ["id", "path", "name", "query", "usual", "url", "created_at", "updated_at"]
        # The service says it better, and replaces the view of the same name.
        validators: list[Any] = []


class SavedViewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """One's own views of lists. Nobody sees anybody else's."""

    queryset = SavedView.objects.none()
    serializer_class = SavedViewSerializer
    own_actions = ("create", "destroy")
    filterset_fields = ["path"]

    def get_queryset(self) -> Any:
        """Return the caller's views."""
        return SavedView.objects.visible_to(self.request.user)

    @extend_schema(responses={201: SavedViewSerializer})
    def create(self, request: Request) -> Response:
        """Keep a view; one of the same name and list is replaced."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        view = saved_view_save(actor=request.user, **serializer.validated_data)
        return Response(self.get_serializer(view).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: str) -> Response:
        """Forget a view."""
        saved_view_delete(actor=request.user, view=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
