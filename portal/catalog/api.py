"""REST: `/api/v1/apis/`, `/api/v1/api-versions/`, specifications and import."""

from typing import Any

import django_filters
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.models import Api, ApiVersion, Layer, Specification, Visibility
from portal.catalog.openapi.checks import openapi_from
from portal.catalog.openapi.fetching import specification_fetch
from portal.catalog.openapi.limits import MAX_BYTES
from portal.catalog.services import (
    api_create,
    api_delete,
    api_import,
    api_update,
    api_version_create,
    api_version_delete,
    api_version_update,
    specification_import,
)
from portal.core.api import ErrorSerializer, ScopedRelatedField, ScopedViewSet, own_transaction
from portal.core.errors import ApplicationError
from portal.organizations.models import Organization


class SourceParser(BaseParser):
    """Takes the body as it is, whatever the client calls it."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body, at most one byte more than is allowed, so that the caller can tell."""
        return stream.read(MAX_BYTES + 1)


class SpecificationSerializer(serializers.ModelSerializer):
    """A stored specification without its text."""

    class Meta:
        model = Specification
        fields = ["openapi", "digest", "updated_at"]


class ApiVersionSerializer(serializers.ModelSerializer):
    """One version of an API."""

    api = ScopedRelatedField(queryset=Api.objects, permission="api.view")
    specification = SpecificationSerializer(read_only=True, allow_null=True, default=None)

    class Meta:
        model = ApiVersion
        fields = ["id", "api", "version", "lifecycle", "specification", "created_at", "updated_at"]
        # The service refuses a second one with a better sentence.
        validators: list[Any] = []


class ApiVersionChangeSerializer(serializers.ModelSerializer):
    """What of a version can be changed."""

    class Meta:
        model = ApiVersion
        fields = ["lifecycle"]
        extra_kwargs = {"lifecycle": {"required": True}}


class ApiSerializer(serializers.ModelSerializer):
    """An entry of the catalog."""

    organization = ScopedRelatedField(queryset=Organization.objects, permission="organization.view")
    version = serializers.CharField(write_only=True, default="v1", max_length=40, help_text="The first version.")
    versions = ApiVersionSerializer(many=True, read_only=True)

    class Meta:
        model = Api
        fields = [
            "id", "organization", "name", "slug", "summary", "description", "layer", "visibility", "version",
            "versions", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["slug"]


class ApiChangeSerializer(serializers.ModelSerializer):
    """What of an API can be changed."""

    class Meta:
        model = Api
        fields = ["name", "summary", "description", "layer", "visibility"]


class ApiImportSerializer(serializers.Serializer):
    """Where the specification is, and what it does not say."""

    organization = ScopedRelatedField(queryset=Organization.objects, permission="organization.view")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, default="", trim_whitespace=False, help_text="The OpenAPI document as text, YAML or JSON."
    )
    url = serializers.CharField(required=False, default="", help_text="Or the address to fetch it from.")
    layer = serializers.ChoiceField(choices=Layer.choices, default=Layer.SYSTEM)
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PRIVATE)
    name = serializers.CharField(required=False, default="", help_text="Instead of the title in the document.")
    version = serializers.CharField(required=False, default="", help_text="Instead of the version in the document.")


class ApiFilter(django_filters.FilterSet):
    """Filters of `/api/v1/apis/`."""

    organization = django_filters.UUIDFilter(field_name="organization_id")
    name = django_filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Api
        fields = ["layer", "visibility", "slug"]


class ApiViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """APIs of the catalog."""

    queryset = Api.objects.prefetch_related("versions__specification")
    serializer_class = ApiSerializer
    filterset_class = ApiFilter
    view_permission = "api.view"
    change_permission = "api.change"

    def create(self, request: Request) -> Response:
        """Add an API with its first version."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Organization.objects.filter(pk=values["organization"].pk))
        api = api_create(actor=request.user, **values)
        return Response(self.get_serializer(api).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ApiChangeSerializer, responses=ApiSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an API."""
        serializer = ApiChangeSerializer(data=request.data, partial=True)
        api = self.get_object()
        serializer.is_valid(raise_exception=True)
        api_update(actor=request.user, api=api, **serializer.validated_data)
        return Response(self.get_serializer(self.get_queryset().get(pk=api.pk)).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an API that is not deployed."""
        api_delete(actor=request.user, api=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=ApiImportSerializer, responses={201: ApiVersionSerializer, 400: ErrorSerializer})
    @action(detail=False, methods=["post"], url_path="import", url_name="import", filterset_class=None)
    def import_(self, request: Request) -> Response:
        """Add an API, or a version of one with the same name, as an OpenAPI document describes it."""
        serializer = ApiImportSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Organization.objects.filter(pk=values["organization"].pk))
        url, source = values.pop("url"), values.pop("source")
        if bool(url) == bool(source):
            sentence = "Give either the document as “source” or its address as “url”."
            raise ApplicationError("source_missing", sentence, fields={"source": sentence})
        version = api_import(actor=request.user, source=source or specification_fetch(url), **values)
        return Response(
            ApiVersionSerializer(version, context=self.get_serializer_context()).data, status=status.HTTP_201_CREATED
        )


class ApiVersionFilter(django_filters.FilterSet):
    """Filters of `/api/v1/api-versions/`."""

    api = django_filters.UUIDFilter(field_name="api_id")

    class Meta:
        model = ApiVersion
        fields = ["version", "lifecycle"]


class ApiVersionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Versions of APIs."""

    queryset = ApiVersion.objects.select_related("api", "specification")
    serializer_class = ApiVersionSerializer
    filterset_class = ApiVersionFilter
    view_permission = "api.view"
    change_permission = "api.change"

    def create(self, request: Request) -> Response:
        """Add a version to an API."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Api.objects.filter(pk=values["api"].pk))
        version = api_version_create(actor=request.user, **values)
        return Response(self.get_serializer(version).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ApiVersionChangeSerializer, responses=ApiVersionSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Say how far a version is."""
        serializer = ApiVersionChangeSerializer(data=request.data)
        version = self.get_object()
        serializer.is_valid(raise_exception=True)
        api_version_update(actor=request.user, api_version=version, **serializer.validated_data)
        return Response(self.get_serializer(version).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a version that is not deployed."""
        api_version_delete(actor=request.user, api_version=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR, 404: ErrorSerializer})
    @action(detail=True, methods=["get"], parser_classes=[SourceParser], filterset_class=None)
    def specification(self, request: Request, pk: str) -> HttpResponse:
        """Return the specification exactly as it was imported."""
        version = self.get_object()
        specification = getattr(version, "specification", None)
        if specification is None:
            raise ApplicationError(
                "specification_missing", f"{version} has no specification yet. Send one with PUT.", status=404
            )
        return HttpResponse(specification.source, content_type="text/plain; charset=utf-8")

    @extend_schema(
        request={"application/yaml": OpenApiTypes.STR, "application/json": OpenApiTypes.OBJECT},
        responses={200: SpecificationSerializer, 400: OpenApiResponse(ErrorSerializer, "What to mend, by line.")},
    )
    @specification.mapping.put
    @own_transaction
    def specification_put(self, request: Request, pk: str) -> Response:
        """Check an OpenAPI document, the body of the request, and make it the version's specification."""
        body: Any = request.data
        self.find_object()
        openapi = openapi_from(body or b"")
        with transaction.atomic():
            specification = specification_import(actor=request.user, api_version=self.get_object(), source=openapi)
        return Response(SpecificationSerializer(specification).data)
