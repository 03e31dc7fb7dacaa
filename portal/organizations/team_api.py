"""REST: teams, their members and their roles."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.current import current_user
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.organizations.api import BELOW_HELP, ROLE_HELP
from portal.organizations.models import Environment, Organization, Team, TeamMember, TeamRole
from portal.organizations.team_services import (
    team_change,
    team_create,
    team_delete,
    team_member_add,
    team_member_remove,
    team_role_grant,
    team_role_revoke,
)

GROUPS_HELP = "Groups of the sign-on provider. Who signs on with one of them is a member."


class TeamSerializer(serializers.ModelSerializer):
    """A team. Its organization cannot be changed."""

    organization = ScopedRelatedField(queryset=Organization.objects.order_by("pk"), permission="people.view")
    sign_on_groups = serializers.ListField(
        source="groups", child=serializers.CharField(max_length=200), required=False, help_text=GROUPS_HELP
    )

    class Meta:
        model = Team
        fields = ["id", "organization", "name", "description", "sign_on_groups", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]
        # The service says the same in a sentence beside the right field.
        validators: list[Any] = []


class TeamChangeSerializer(serializers.Serializer):
    """What can be changed of a team."""

    name = serializers.CharField(max_length=80, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sign_on_groups = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, help_text=GROUPS_HELP
    )


class TeamViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Teams of people."""

    queryset = Team.objects.order_by("name", "pk")
    serializer_class = TeamSerializer
    view_permission = "people.view"
    change_permission = "people.change"
    filterset_fields = ["organization", "name"]

    def create(self, request: Request) -> Response:
        """Make a team without members and roles."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        self.check_change(Organization.objects.filter(pk=values["organization"].pk))
        team = team_create(actor=current_user(request), sign_on_groups=values.pop("groups", ()), **values)
        return Response(self.get_serializer(team).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=TeamChangeSerializer, responses=TeamSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a team. Members by a group that is no longer named leave it at once."""
        team = self.get_object()
        serializer = TeamChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        now = {"name": team.name, "description": team.description, "sign_on_groups": team.groups}
        changed = team_change(actor=current_user(request), team=team, **(now | serializer.validated_data))
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a team."""
        team_delete(actor=current_user(request), team=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TeamMemberSerializer(serializers.ModelSerializer):
    """A person in a team. `issuer` is the provider whose group put them there; empty: by hand."""

    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = TeamMember
        fields = ["id", "team", "email", "name", "issuer", "created_at"]
        read_only_fields = fields


class NewTeamMemberSerializer(serializers.Serializer):
    """Somebody of the organization to put into a team."""

    team = ScopedRelatedField(queryset=Team.objects.order_by("pk"), permission="people.view")
    email = serializers.EmailField(max_length=254)


class TeamMemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Who is in which team."""

    queryset = TeamMember.objects.select_related("user", "team__organization").order_by("user__name", "pk")
    serializer_class = TeamMemberSerializer
    view_permission = "people.view"
    change_permission = "people.change"
    filterset_fields = ["team"]

    @extend_schema(request=NewTeamMemberSerializer, responses={201: TeamMemberSerializer})
    def create(self, request: Request) -> Response:
        """Put a person into a team by hand."""
        serializer = NewTeamMemberSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        self.check_change(Team.objects.filter(pk=serializer.validated_data["team"].pk))
        member = team_member_add(actor=current_user(request), **serializer.validated_data)
        return Response(self.get_serializer(member).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: str) -> Response:
        """Take a person out of a team."""
        team_member_remove(actor=current_user(request), member=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TeamRoleSerializer(serializers.ModelSerializer):
    """A role of everybody in a team, in its organization or in one environment when that is set."""

    role = serializers.CharField(source="role_key", read_only=True, help_text=ROLE_HELP)
    role_title = serializers.CharField(source="title", read_only=True)

    class Meta:
        model = TeamRole
        fields = ["id", "team", "environment", "role", "role_title", "holds_below", "created_at"]
        read_only_fields = fields


class NewTeamRoleSerializer(serializers.Serializer):
    """A role to give to a team."""

    team = ScopedRelatedField(queryset=Team.objects.order_by("pk"), permission="people.view")
    role = serializers.CharField(max_length=40, help_text=ROLE_HELP)
    environment = ScopedRelatedField(
        queryset=Environment.objects.order_by("pk"), permission="people.view", required=False, allow_null=True
    )
    holds_below = serializers.BooleanField(required=False, help_text=BELOW_HELP)


class TeamRoleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Which team has which role where."""

    queryset = TeamRole.objects.select_related("team__organization", "environment", "custom_role").order_by("pk")
    serializer_class = TeamRoleSerializer
    view_permission = "people.view"
    change_permission = "people.change"
    filterset_fields = ["team"]

    @extend_schema(request=NewTeamRoleSerializer, responses={201: TeamRoleSerializer})
    def create(self, request: Request) -> Response:
        """Give a role to everybody in a team."""
        serializer = NewTeamRoleSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        self.check_change(Team.objects.filter(pk=serializer.validated_data["team"].pk))
        given = team_role_grant(actor=current_user(request), **serializer.validated_data)
        return Response(self.get_serializer(given).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: str) -> Response:
        """Take a role from a team."""
        team_role_revoke(actor=current_user(request), team_role=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
