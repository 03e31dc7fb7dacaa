"""REST: deprecating an instance, or a version with its instances."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.apis.deprecation import version_deprecate
from portal.apis.models import ApiInstance
from portal.catalog.models import ApiVersion
from portal.core.api import ErrorSerializer


class DeprecationSerializer(serializers.Serializer[Any]):
    """Since when, until when, and what comes after."""

    since = serializers.DateField(required=False, help_text="Without it: today.")
    sunset = serializers.DateField(required=False, help_text="From this day on it may be gone.")
    successor = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="An address for callers to go on to."
    )


class VersionDeprecatedSerializer(serializers.Serializer[Any]):
    """A deprecated version, and the instances that were deprecated with it."""

    id = serializers.UUIDField()
    lifecycle = serializers.CharField()
    instances = serializers.ListField(child=serializers.UUIDField())


class VersionDeprecateView(APIView):
    """Deprecation of a version of an API."""

    @extend_schema(
        operation_id="api_versions_deprecate",
        request=DeprecationSerializer,
        responses={200: VersionDeprecatedSerializer, 400: ErrorSerializer, 404: ErrorSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Deprecate a version, and those of its instances that the caller may change."""
        version = get_object_or_404(ApiVersion.objects.visible_to(request.user, "api.view"), pk=pk)
        if not ApiVersion.objects.visible_to(request.user, "api.deprecate").filter(pk=pk).exists():
            raise PermissionDenied("Your role does not include api.deprecate.")
        serializer = DeprecationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rows = ApiInstance.objects.visible_to(request.user, "instance.change").filter(api_version=version)
        instances = list(rows.select_related("api_version__api", "gateway"))
        version_deprecate(actor=request.user, api_version=version, instances=instances, **serializer.validated_data)
        body = {"id": version.pk, "lifecycle": version.lifecycle, "instances": [each.pk for each in instances]}
        return Response(VersionDeprecatedSerializer(body).data)
