"""REST: `/api/v1/gateways/<id>/settings/`."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core.api import ScopedViewSet
from portal.core.setting_forms.schemas import settings_schema
from portal.gateways.models import Gateway
from portal.gateways.settings import NAMES, SECRET, SETTINGS, settings_effective, settings_shown
from portal.gateways.settings_services import gateway_settings_update

SETTINGS_SCHEMA = settings_schema(SETTINGS, secret=SECRET)
ANSWER_SCHEMA = {
    "type": "object",
    "properties": {
        "settings": {**SETTINGS_SCHEMA, "description": "What is not as by default."},
        "effective": {**SETTINGS_SCHEMA, "description": "Everything as it counts. Secrets are masked."},
    },
}


class GatewaySettingsViewSet(ScopedViewSet):
    """The settings of one gateway."""

    queryset = Gateway.objects.select_related("environment")
    serializer_class = serializers.Serializer
    view_permission = "gateway.view"
    change_permission = "gateway.change"

    @extend_schema(responses={(200, "application/json"): ANSWER_SCHEMA})
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return what is not as by default, and everything as it counts."""
        return self._answer(self.get_object())

    @extend_schema(request={"application/json": SETTINGS_SCHEMA}, responses={(200, "application/json"): ANSWER_SCHEMA})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Replace the sections that are sent; null makes one as by default. Masked secrets are kept."""
        gateway = self.get_object()
        if not isinstance(request.data, dict):
            raise serializers.ValidationError("The settings are an object: names and values.")
        return self._answer(gateway_settings_update(actor=request.user, gateway=gateway, settings=request.data))

    @extend_schema(request=None, responses={(200, "application/json"): ANSWER_SCHEMA})
    def destroy(self, request: Request, pk: str) -> Response:
        """Let everything be as by default again."""
        nothing = dict.fromkeys(NAMES)
        return self._answer(gateway_settings_update(actor=request.user, gateway=self.get_object(), settings=nothing))

    def _answer(self, gateway: Gateway) -> Response:
        return Response({"settings": settings_shown(gateway), "effective": settings_effective(gateway)})
