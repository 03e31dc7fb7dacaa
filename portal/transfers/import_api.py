"""REST: declarative files taken into an environment."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.core.api import ErrorSerializer, ScopedRelatedField
from portal.core.bulk import State
from portal.core.permissions import scope_of
from portal.gateways.models import Gateway
from portal.transfers.import_services import Imported, files_import

MOST_FILES = 100


class FileSerializer(serializers.Serializer[Any]):
    """One file. Faults name it."""

    name = serializers.CharField(max_length=250)
    content = serializers.CharField(trim_whitespace=False, allow_blank=True)


class ImportSerializer(serializers.Serializer[Any]):
    """What to take in, and where."""

    gateway = ScopedRelatedField(queryset=Gateway.objects.select_related("environment"), permission="gateway.view")
    files = serializers.ListField(child=FileSerializer(), allow_empty=False, max_length=MOST_FILES)
    variables = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Secrets that the files name and the environment does not have yet.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would change.")


class DifferenceSerializer(serializers.Serializer[Any]):
    """One thing that becomes another. Secrets are masked."""

    path = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """What becomes of one instance."""

    name = serializers.CharField()
    is_new = serializers.BooleanField()
    state = serializers.ChoiceField(choices=[str(state) for state in State])
    text = serializers.CharField(allow_blank=True)
    differences = DifferenceSerializer(many=True)


class FileFaultSerializer(serializers.Serializer[Any]):
    """Something that is wrong, or left out, and where it stands."""

    file = serializers.CharField()
    line = serializers.IntegerField()
    key = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class MissingSerializer(serializers.Serializer[Any]):
    """A variable that has to be given."""

    name = serializers.CharField()
    where = serializers.CharField()
    about = serializers.CharField(allow_blank=True)


class ImportedSerializer(serializers.Serializer[Any]):
    """What an import does, or did. With faults or missing variables nothing is changed."""

    done = serializers.BooleanField()
    possible = serializers.BooleanField()
    changes = ChangeSerializer(many=True)
    faults = FileFaultSerializer(many=True)
    missing = MissingSerializer(many=True)
    notes = FileFaultSerializer(many=True)


def refuse_without(user: Any, environment: Any) -> None:
    """Raise 403 unless a user may change instances, policies and tiers in an environment."""
    for permission in ("instance.change", "policy.change", "tier.change"):
        if not scope_of(user, permission).covers(environment.organization_id, environment.pk):
            raise PermissionDenied(f"Your role does not include {permission}.")


class ImportView(APIView):
    """Declarative files taken into an environment."""

    @extend_schema(
        operation_id="imports_create",
        request=ImportSerializer,
        responses={200: ImportedSerializer, 400: ErrorSerializer, 403: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make the instances of files what the files say: all, or none where anything is wrong."""
        serializer = ImportSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        environment = asked["gateway"].environment
        refuse_without(request.user, environment)
        told: Imported = files_import(
            actor=request.user,
            gateway=asked["gateway"],
            files=[(each["name"], each["content"].encode()) for each in asked["files"]],
            variables=asked.get("variables"),
            dry_run=asked["dry_run"],
            may_create_apis=scope_of(request.user, "api.change").covers(environment.organization_id),
        )
        return Response(ImportedSerializer(told).data)
