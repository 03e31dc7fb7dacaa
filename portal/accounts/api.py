"""REST: who I am, and my API tokens."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.accounts.current import current_user
from portal.accounts.models import ApiToken, User
from portal.accounts.services import api_token_create, api_token_revoke
from portal.core.permission_areas import in_order


class MeSerializer(serializers.ModelSerializer):
    """The person who asks."""

    limit = serializers.SerializerMethodField(
        help_text="The permissions to which the token of this request is limited; null for one that is not."
    )

    class Meta:
        model = User
        fields = ["id", "email", "name", "is_operator", "created_at", "limit"]
        read_only_fields = fields

    def get_limit(self, user: User) -> list[str] | None:
        """Return them in the order of the matrix."""
        return None if user.limit is None else in_order(user.limit)


class MeView(APIView):
    """Who the token or session belongs to."""

    @extend_schema(operation_id="me_retrieve", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the person."""
        return Response(MeSerializer(request.user).data)


class ApiTokenSerializer(serializers.ModelSerializer):
    """A token without its secret."""

    state = serializers.ChoiceField(choices=["active", "expired", "revoked"], read_only=True)
    permissions = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        allow_null=True,
        max_length=100,
        help_text="What it may do at most; what these need is added. Null, or left out: all that its person may.",
    )

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "hint",
            "state",
            "permissions",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]
        read_only_fields = ["id", "hint", "created_at", "last_used_at", "revoked_at"]


class NewApiTokenSerializer(ApiTokenSerializer):
    """A token just made, with its secret."""

    token = serializers.CharField(help_text="The secret. It is shown only in this answer.")

    class Meta(ApiTokenSerializer.Meta):
        fields = [*ApiTokenSerializer.Meta.fields, "token"]


class ApiTokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """One's own API tokens. Nobody sees anybody else's."""

    queryset = ApiToken.objects.none()
    serializer_class = ApiTokenSerializer
    own_actions = ("create", "destroy")

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the caller's tokens."""
        return ApiToken.objects.visible_to(self.request.user)

    @extend_schema(responses={201: NewApiTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        serializer = ApiTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        made = api_token_create(
            user=current_user(request),
            actor=current_user(request),
            name=values["name"],
            expires_at=values.get("expires_at"),
            permissions=values.get("permissions"),
            authorized_by=request.auth if isinstance(request.auth, ApiToken) else None,
        )
        body = ApiTokenSerializer(made.token).data | {"token": made.secret}
        return Response(body, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: str) -> Response:
        """Revoke a token at once. It stays in the list, revoked."""
        api_token_revoke(token=self.get_object(), actor=current_user(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
