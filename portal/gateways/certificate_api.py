"""REST: `/api/v1/certificates/`. A private key is taken and never given."""

from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.gateways.certificate_checks import LONGEST_PEM
from portal.gateways.certificate_selectors import Expiry, certificate_expiry, certificates_by_expiry
from portal.gateways.certificate_services import certificate_create, certificate_delete, certificate_update
from portal.gateways.models import Certificate
from portal.organizations.models import Environment


def _pem(help_text: str, **more: Any) -> serializers.CharField:
    return serializers.CharField(max_length=LONGEST_PEM, trim_whitespace=False, help_text=help_text, **more)


class CertificateSerializer(serializers.ModelSerializer):
    """A certificate with its chain."""

    environment = ScopedRelatedField(queryset=Environment.objects, permission="environment.view")
    name = serializers.CharField(max_length=80, required=False, help_text="Empty: the first host name.")
    chain = _pem("PEM: that of the server first, then each time the one that issued the one before.")
    key = _pem("The private key in PEM form. It is never returned.", write_only=True)
    passphrase = serializers.CharField(
        write_only=True, required=False, trim_whitespace=False, help_text="Opens the key once and is not kept."
    )
    names = serializers.ListField(child=serializers.CharField(), read_only=True)
    expiry = serializers.SerializerMethodField()
    listeners = serializers.SerializerMethodField(help_text="Ids of the listeners that use it.")

    class Meta:
        model = Certificate
        fields = [
            "id", "environment", "name", "chain", "key", "passphrase", "subject", "issuer", "names", "not_before",
            "not_after", "expiry", "fingerprint", "key_type", "listeners", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["subject", "issuer", "not_before", "not_after", "fingerprint", "key_type"]
        # The service refuses a taken name with a better sentence.
        validators: list[Any] = []

    @extend_schema_field(serializers.ChoiceField(choices=[each.value for each in Expiry]))
    def get_expiry(self, certificate: Certificate) -> str:
        """Return how near the end is."""
        return certificate_expiry(certificate, timezone.now()).value

    def get_listeners(self, certificate: Certificate) -> list[str]:
        """Return who uses it."""
        return [str(use.listener_id) for use in certificate.uses.all()]


class CertificateChangeSerializer(CertificateSerializer):
    """A new name, or a renewed certificate. Without a key the present one stays."""

    environment = None  # type: ignore[assignment]

    class Meta(CertificateSerializer.Meta):
        fields = ["name", "chain", "key", "passphrase"]


class CertificateFilter(django_filters.FilterSet):
    """Filters of `/api/v1/certificates/`."""

    environment = django_filters.UUIDFilter(field_name="environment_id")
    expiry = django_filters.ChoiceFilter(
        choices=[(each.value, each.label) for each in Expiry],
        method=lambda queryset, name, value: certificates_by_expiry(queryset, value, timezone.now()),
    )

    class Meta:
        model = Certificate
        fields = ["name", "fingerprint"]


class CertificateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Certificates of listeners."""

    queryset = Certificate.objects.select_related("environment").prefetch_related("uses").defer("private_key")
    serializer_class = CertificateSerializer
    filterset_class = CertificateFilter
    view_permission = "gateway.view"
    change_permission = "gateway.change"

    def create(self, request: Request) -> Response:
        """Store a certificate with its key."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Environment.objects.filter(pk=values["environment"].pk))
        certificate = certificate_create(actor=request.user, **values)
        return Response(self.get_serializer(certificate).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CertificateChangeSerializer, responses=CertificateSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename it, or renew it for all listeners that use it."""
        certificate = self.get_object()
        serializer = CertificateChangeSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        certificate = certificate_update(actor=request.user, certificate=certificate, **serializer.validated_data)
        return Response(self.get_serializer(certificate).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a certificate that nothing uses."""
        certificate_delete(actor=request.user, certificate=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
