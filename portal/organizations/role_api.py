"""REST: the roles that an organization has made, and what all roles consist of."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.accounts.current import current_user
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.core.permission_areas import AREAS, in_order
from portal.organizations.custom_role_services import custom_role_change, custom_role_create, custom_role_delete
from portal.organizations.models import CustomRole, Organization, Role
from portal.organizations.roles import EXPLAINED, PERMISSIONS


class PermissionsField(serializers.ListField):
    """Permissions by name, in the order of the matrix."""

    child = serializers.CharField(max_length=40)

    def to_representation(self, data: Any) -> list[str]:
        """Return the names in their one order."""
        return in_order(data)


class CustomRoleSerializer(serializers.ModelSerializer):
    """A custom role. Its organization cannot be changed."""

    organization = ScopedRelatedField(queryset=Organization.objects.order_by("pk"), permission="people.view")
    permissions = PermissionsField(
        max_length=100, help_text="Names such as `policy.change`. What one of them needs is added."
    )

    class Meta:
        model = CustomRole
        fields = ["id", "organization", "name", "description", "permissions", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]
        # The service says the same in a sentence beside the right field.
        validators: list[Any] = []


class CustomRoleChangeSerializer(serializers.Serializer):
    """What can be changed of a custom role."""

    name = serializers.CharField(max_length=60, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    permissions = PermissionsField(max_length=100, required=False)


class CustomRoleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Roles that organizations have made. A role's id is given to people as `role`."""

    queryset = CustomRole.objects.order_by("name", "pk")
    serializer_class = CustomRoleSerializer
    view_permission = "people.view"
    change_permission = "people.change"
    filterset_fields = ["organization", "name"]

    def create(self, request: Request) -> Response:
        """Make a role. Nobody puts in what they do not hold themselves."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.check_change(Organization.objects.filter(pk=serializer.validated_data["organization"].pk))
        role = custom_role_create(actor=current_user(request), **serializer.validated_data)
        return Response(self.get_serializer(role).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CustomRoleChangeSerializer, responses=CustomRoleSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a role for everybody who holds it."""
        role = self.get_object()
        serializer = CustomRoleChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        now = {"name": role.name, "description": role.description, "permissions": in_order(role.permissions)}
        changed = custom_role_change(actor=current_user(request), custom_role=role, **(now | serializer.validated_data))
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a role that nobody holds."""
        custom_role_delete(actor=current_user(request), custom_role=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PermissionSerializer(serializers.Serializer):
    """One thing that a role lets people do."""

    name = serializers.CharField()
    title = serializers.CharField()
    area = serializers.CharField()


class BuiltInRoleSerializer(serializers.Serializer):
    """A role that is there everywhere."""

    role = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class BuiltInRolesSerializer(serializers.Serializer):
    """The built-in roles and every permission."""

    roles = BuiltInRoleSerializer(many=True)
    permissions = PermissionSerializer(many=True)


class BuiltInRolesView(APIView):
    """What roles consist of. The same in every organization."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="built_in_roles_retrieve", responses=BuiltInRolesSerializer)
    def get(self, request: Request) -> Response:
        """Return the built-in roles and every permission with its words."""
        roles = [
            {
                "role": role.value,
                "title": role.label,
                "description": EXPLAINED[role],
                "permissions": in_order(PERMISSIONS[role]),
            }
            for role in Role
        ]
        permissions = [
            {"name": each.name, "title": each.title, "area": area.title}
            for area in AREAS
            for each in (area.see, *area.change)
        ]
        return Response({"roles": roles, "permissions": permissions})
