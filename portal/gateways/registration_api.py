"""REST: tokens for new replicas, and the exchange of one for a registration."""

from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.accounts.limits import attempt_allowed
from portal.core.errors import ApplicationError
from portal.gateways.registration_commands import registration_platforms
from portal.gateways.registration_tokens import NewRegistrationToken, gateway_register

ATTEMPTS = 30
ATTEMPTS_SECONDS = 300


class RegistrationStepSerializer(serializers.Serializer):
    """One command."""

    text = serializers.CharField()
    command = serializers.CharField()


class RegistrationPlatformSerializer(serializers.Serializer):
    """The commands for one kind of machine."""

    key = serializers.CharField(help_text="linux, docker or kubernetes.")
    title = serializers.CharField()
    steps = RegistrationStepSerializer(many=True)


class NewRegistrationTokenSerializer(serializers.Serializer):
    """A token just made, with the commands that use it."""

    token = serializers.CharField(help_text="The secret. It is shown only in this answer.")
    expires_at = serializers.DateTimeField()
    platforms = RegistrationPlatformSerializer(many=True)


def token_body(made: NewRegistrationToken) -> dict[str, Any]:
    """Return what is told of a token just made."""
    values = {
        "token": made.secret,
        "expires_at": made.expires_at,
        "platforms": registration_platforms(made.gateway, made.secret),
    }
    return dict(NewRegistrationTokenSerializer(values).data)


class RenewSerializer(serializers.Serializer):
    """When registrations from before end."""

    at_once = serializers.BooleanField(default=False, help_text="At once instead of after a day.")


class RegisterSerializer(serializers.Serializer):
    """What a machine that wants to run a gateway sends."""

    name = serializers.CharField(max_length=80, help_text="The gateway's slug or name.")
    token = serializers.CharField(max_length=200)


class RegistrationSerializer(serializers.Serializer):
    """The content of `registration.yaml`. It is secret."""

    gateway = serializers.UUIDField()
    name = serializers.CharField()
    redis_url = serializers.CharField()
    verify_key = serializers.CharField()
    encrypt_key = serializers.CharField()
    number = serializers.IntegerField()
    previous_encrypt_keys = serializers.ListField(child=serializers.CharField())


class GatewayRegistrationView(APIView):
    """The exchange of a one-time token for a registration. Nobody is signed in: the token is all there is."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="gateway_registrations_create", request=RegisterSerializer, responses={201: RegistrationSerializer}
    )
    def post(self, request: Request) -> Response:
        """Exchange a token. `portico gateway register` does this."""
        if not attempt_allowed(request, "gateway-register", limit=ATTEMPTS, seconds=ATTEMPTS_SECONDS):
            raise ApplicationError(
                "too_many_registrations",
                "Too many registrations were tried from your address. Wait five minutes and try again.",
                status=429,
            )
        serializer = RegisterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        registration = gateway_register(**serializer.validated_data, address=request.META.get("REMOTE_ADDR", ""))
        body = msgspec.to_builtins(registration)
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
