"""REST: organizations, environments, and people (role bindings)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.current import current_user
from portal.accounts.models import User
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.organizations.models import Environment, Organization, RoleBinding
from portal.organizations.person_services import person_sessions_end
from portal.organizations.services import (
    environment_change,
    environment_create,
    organization_create,
    organization_rename,
    role_change,
    role_invite,
    role_revoke,
)


class OrganizationSerializer(serializers.ModelSerializer):
    """An organization. Its short name (`slug`) cannot be changed."""

    slug = serializers.SlugField(max_length=50, required=False)
    parent = ScopedRelatedField(  # type: ignore[assignment]
        queryset=Organization.objects.order_by("pk"),
        permission="organization.view",
        required=False,
        allow_null=True,
        help_text="The organization below which this is a business group. It cannot be changed.",
    )

    class Meta:
        model = Organization
        fields = ["id", "name", "slug", "parent", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]


class OrganizationChangeSerializer(serializers.Serializer):
    """What can be changed of an organization."""

    name = serializers.CharField(max_length=120)


def _may_make_organizations(user: User) -> bool:
    """Tell whether somebody runs the installation, and is not here by a token for less."""
    return user.is_operator and user.limit is None


class OrganizationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Organizations in which the caller has a role."""

    queryset = Organization.objects.order_by("name", "pk")
    serializer_class = OrganizationSerializer
    view_permission = "organization.view"
    change_permission = "organization.change"
    filterset_fields = ["parent"]

    def create(self, request: Request) -> Response:
        """Create an organization (operators of the installation), or a business group (owners of its `parent`)."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if serializer.validated_data.get("parent") is None and not _may_make_organizations(current_user(request)):
            raise PermissionDenied("Only an operator of this installation makes organizations.")
        organization = organization_create(actor=current_user(request), **serializer.validated_data)
        return Response(self.get_serializer(organization).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=OrganizationChangeSerializer, responses=OrganizationSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename an organization."""
        organization = self.get_object()
        serializer = OrganizationChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = organization_rename(
            organization=organization, actor=current_user(request), **serializer.validated_data
        )
        return Response(self.get_serializer(changed).data)


class EnvironmentSerializer(serializers.ModelSerializer):
    """An environment. Its organization and short name (`slug`) cannot be changed."""

    organization = ScopedRelatedField(queryset=Organization.objects.order_by("pk"), permission="environment.view")
    slug = serializers.SlugField(max_length=50, required=False)

    class Meta:
        model = Environment
        fields = [
            "id",
            "organization",
            "name",
            "slug",
            "kind",
            "colour",
            "allow_private_targets",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        # The service says the same in a sentence beside the right field.
        validators: list[Any] = []


class EnvironmentChangeSerializer(serializers.ModelSerializer):
    """What can be changed of an environment."""

    class Meta:
        model = Environment
        fields = ["name", "kind", "colour", "allow_private_targets"]


class EnvironmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Environments that the caller may see."""

    queryset = Environment.objects.order_by("organization__name", "name", "pk")
    serializer_class = EnvironmentSerializer
    view_permission = "environment.view"
    change_permission = "environment.change"
    filterset_fields = ["organization", "slug", "kind"]

    def create(self, request: Request) -> Response:
        """Create an environment."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.check_change(Organization.objects.filter(pk=serializer.validated_data["organization"].pk))
        environment = environment_create(actor=current_user(request), **serializer.validated_data)
        return Response(self.get_serializer(environment).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=EnvironmentChangeSerializer, responses=EnvironmentSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an environment."""
        environment = self.get_object()
        serializer = EnvironmentChangeSerializer(environment, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        now = {name: getattr(environment, name) for name in EnvironmentChangeSerializer.Meta.fields}
        changed = environment_change(
            environment=environment, actor=current_user(request), **(now | serializer.validated_data)
        )
        return Response(self.get_serializer(changed).data)


BELOW_HELP = "Whether it holds in the business groups below the organization too."
ROLE_HELP = "The name of a built-in role, such as `viewer`, or the id of a custom one."


class PersonSerializer(serializers.ModelSerializer):
    """A role of a person in an organization, or in one of its environments when that is set."""

    role = serializers.CharField(source="role_key", read_only=True, help_text=ROLE_HELP)
    role_title = serializers.CharField(source="title", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = RoleBinding
        fields = [
            "id",
            "email",
            "name",
            "organization",
            "environment",
            "role",
            "role_title",
            "holds_below",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class NewPersonSerializer(serializers.Serializer):
    """Somebody to add. `name` is used only when there is no account with the address."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120, required=False)
    organization = ScopedRelatedField(queryset=Organization.objects.order_by("pk"), permission="people.view")
    environment = ScopedRelatedField(
        queryset=Environment.objects.order_by("pk"), permission="people.view", required=False, allow_null=True
    )
    role = serializers.CharField(max_length=40, help_text=ROLE_HELP)
    holds_below = serializers.BooleanField(required=False, help_text=BELOW_HELP)


class InvitedPersonSerializer(PersonSerializer):
    """A person just added, with the link for a new account."""

    invitation_link = serializers.CharField(
        help_text="Where a new person chooses a password; empty for a known one. Shown only in this answer."
    )

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "invitation_link"]
        read_only_fields = fields


class RoleChangeSerializer(serializers.Serializer):
    """Another role in the same place."""

    role = serializers.CharField(max_length=40, required=False, help_text=ROLE_HELP)
    holds_below = serializers.BooleanField(required=False, help_text=BELOW_HELP)


class PersonViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Who holds which role where."""

    queryset = RoleBinding.objects.select_related("user", "organization", "environment", "custom_role").order_by(
        "user__name", "pk"
    )
    serializer_class = PersonSerializer
    view_permission = "people.view"
    change_permission = "people.change"
    filterset_fields = ["organization", "environment", "role", "custom_role"]

    @extend_schema(request=NewPersonSerializer, responses={201: InvitedPersonSerializer})
    def create(self, request: Request) -> Response:
        """Add a person by e-mail address."""
        serializer = NewPersonSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        place = values.get("environment") or values["organization"]
        self.check_change(type(place).objects.filter(pk=place.pk))
        invitation = role_invite(actor=current_user(request), **values)
        body = PersonSerializer(invitation.binding).data | {"invitation_link": invitation.link}
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(request=RoleChangeSerializer, responses=PersonSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give the person another role in the same place."""
        binding = self.get_object()
        serializer = RoleChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = role_change(
            actor=current_user(request), binding=binding, **({"role": binding.role_key} | serializer.validated_data)
        )
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Take the role away."""
        role_revoke(actor=current_user(request), binding=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="end-sessions")
    def end_sessions(self, request: Request, pk: str) -> Response:
        """Sign the person out of all browsers. Roles and API tokens stay."""
        person_sessions_end(actor=current_user(request), binding=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
