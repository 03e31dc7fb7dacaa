"""REST: `/api/v1/listeners/`."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.core.setting_forms.schemas import settings_schema
from portal.gateways.listener_services import CertificateUse, listener_create, listener_delete, listener_update
from portal.gateways.listener_settings import TlsTerms
from portal.gateways.models import Certificate, Gateway, Listener, ListenerCertificate, Protocol


class CertificateUseSerializer(serializers.ModelSerializer):
    """A certificate of a listener. The first one is for callers that name no host, or one that no other has."""

    certificate = ScopedRelatedField(queryset=Certificate.objects, permission="gateway.view")
    names = serializers.ListField(
        child=serializers.CharField(max_length=253), required=False, default=list,
        help_text="Hosts that it is chosen for; empty: those that it names itself.",
    )  # fmt: skip

    class Meta:
        model = ListenerCertificate
        fields = ["certificate", "names"]


@extend_schema_field(settings_schema(TlsTerms, secret=()))
class TermsField(serializers.JSONField):
    """How TLS is spoken, where it is not as by default. The whole is replaced."""

    def to_internal_value(self, data: Any) -> Any:
        """Accept an object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("The settings are an object: names and values.")
        return super().to_internal_value(data)


class ListenerSerializer(serializers.ModelSerializer):
    """An address and port of a gateway."""

    gateway = ScopedRelatedField(queryset=Gateway.objects, permission="gateway.view")
    name = serializers.CharField(max_length=80, required=False, default="")
    port = serializers.IntegerField()
    protocol = serializers.ChoiceField(choices=Protocol.choices, default=Protocol.HTTP)
    certificates = CertificateUseSerializer(many=True, required=False)
    tls = TermsField(required=False)

    class Meta:
        model = Listener
        fields = ["id", "gateway", "name", "host", "port", "protocol", "certificates", "tls", "proxy_protocol"]
        # The service refuses a second one with a better sentence.
        validators: list[Any] = []

    def validate_certificates(self, rows: list[dict[str, Any]]) -> list[CertificateUse]:
        """Return them as services take them."""
        return [CertificateUse(row["certificate"], row.get("names", [])) for row in rows]


class ListenerChangeSerializer(ListenerSerializer):
    """What of a listener can be changed. Its APIs move with it to another port."""

    gateway = None  # type: ignore[assignment]

    class Meta(ListenerSerializer.Meta):
        fields = ["name", "host", "port", "protocol", "certificates", "tls", "proxy_protocol"]


class ListenerFilter(django_filters.FilterSet):
    """Filters of `/api/v1/listeners/`."""

    gateway = django_filters.UUIDFilter(field_name="gateway_id")
    certificate = django_filters.UUIDFilter(field_name="certificates__certificate_id")

    class Meta:
        model = Listener
        fields = ["port", "protocol"]


class ListenerViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Listeners of gateways."""

    queryset = Listener.objects.select_related("gateway__environment").prefetch_related("certificates")
    serializer_class = ListenerSerializer
    filterset_class = ListenerFilter
    view_permission = "gateway.view"
    change_permission = "gateway.change"

    def _answer(self, listener: Listener, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=listener.pk)).data, status=code)

    def create(self, request: Request) -> Response:
        """Open a port on a gateway."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Gateway.objects.filter(pk=values["gateway"].pk))
        return self._answer(listener_create(actor=request.user, **values), status.HTTP_201_CREATED)

    @extend_schema(request=ListenerChangeSerializer, responses=ListenerSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a listener. Certificates, and the settings of TLS, are each replaced as a whole."""
        listener = self.get_object()
        serializer = ListenerChangeSerializer(data=request.data, partial=True, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return self._answer(listener_update(actor=request.user, listener=listener, **serializer.validated_data))

    def destroy(self, request: Request, pk: str) -> Response:
        """Close a port that serves nothing."""
        listener_delete(actor=request.user, listener=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
