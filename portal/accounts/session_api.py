"""REST: where I am signed in."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.current import current_user
from portal.accounts.models import BrowserSession
from portal.accounts.session_services import session_end, sessions_end


class SessionSerializer(serializers.ModelSerializer):
    """A browser in which the caller is signed in."""

    this_one = serializers.SerializerMethodField(help_text="Whether the request itself belongs to it.")

    class Meta:
        model = BrowserSession
        fields = ["id", "device", "address", "begun_at", "last_seen_at", "this_one"]
        read_only_fields = fields

    def get_this_one(self, session: BrowserSession) -> bool:
        """Compare it with the request's own."""
        return session.session_key == self.context["request"].session.session_key


class SessionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """One's own sessions. Nobody sees anybody else's."""

    queryset = BrowserSession.objects.none()
    serializer_class = SessionSerializer
    lookup_field = "id"
    own_actions = ("destroy", "end_others")

    def get_queryset(self) -> QuerySet[BrowserSession]:
        """Return the caller's sessions."""
        return BrowserSession.objects.visible_to(self.request.user).order_by("-last_seen_at", "id")

    def destroy(self, request: Request, id: str) -> Response:
        """End one session."""
        session_end(session=self.get_object(), actor=current_user(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None})
    @action(detail=False, methods=["post"], url_path="end-others")
    def end_others(self, request: Request) -> Response:
        """End all sessions but the one that asks; with a token that is all of them."""
        user = current_user(request)
        sessions_end(user=user, actor=user, keep=request.session.session_key)
        return Response(status=status.HTTP_204_NO_CONTENT)
