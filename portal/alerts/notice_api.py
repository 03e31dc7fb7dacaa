"""REST: webhooks and notices."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.current import current_user
from portal.alerts.models import AlertNotice, AlertWebhook
from portal.alerts.notices import notice_send_again, webhook_test
from portal.alerts.webhook_services import (
    WebhookWithSecret,
    webhook_create,
    webhook_delete,
    webhook_rotate,
    webhook_update,
)
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.organizations.models import Environment


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook, without its secret."""

    environment = ScopedRelatedField(queryset=Environment.objects.order_by("pk"), permission="alert.view")

    class Meta:
        model = AlertWebhook
        fields = ["id", "environment", "name", "url", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]
        # The service says the same in a sentence beside the right field.
        validators: list[Any] = []


class WebhookChangeSerializer(serializers.Serializer):
    """What can be changed of a webhook."""

    name = serializers.CharField(max_length=80, required=False)
    url = serializers.CharField(max_length=500, required=False)


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class NoticeSerializer(serializers.ModelSerializer):
    """A notice with each attempt to send it: when, for how many milliseconds, the answer's status, what went wrong."""

    class Meta:
        model = AlertNotice
        fields = [
            "id", "environment", "rule", "episode", "webhook", "by_mail", "receiver", "reason", "title", "body",
            "state", "attempts", "next_attempt_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Addresses that notices are posted to."""

    queryset = AlertWebhook.objects.order_by("name", "pk")
    serializer_class = WebhookSerializer
    view_permission = "alert.view"
    change_permission = "alert.change"
    filterset_fields = ["environment", "name"]

    def _with_secret(self, made: WebhookWithSecret, code: int) -> Response:
        shown = WebhookWithSecretSerializer(made.webhook, context=self.get_serializer_context()).data
        return Response({**shown, "secret": made.secret}, status=code, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={201: WebhookWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Make a webhook. Its secret is in the answer, and never again."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        self.check_change(Environment.objects.filter(pk=values["environment"].pk))
        return self._with_secret(webhook_create(actor=current_user(request), **values), status.HTTP_201_CREATED)

    @extend_schema(request=WebhookChangeSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change where notices go."""
        webhook = self.get_object()
        serializer = WebhookChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = {"name": webhook.name, "url": webhook.url} | serializer.validated_data
        return Response(
            self.get_serializer(webhook_update(actor=current_user(request), webhook=webhook, **values)).data
        )

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a webhook."""
        webhook_delete(actor=current_user(request), webhook=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=WebhookWithSecretSerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Sign with a new secret, which is in the answer and never again."""
        return self._with_secret(webhook_rotate(actor=current_user(request), webhook=self.get_object()), 200)

    @extend_schema(request=None, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Post a test."""
        return Response(NoticeSerializer(webhook_test(actor=current_user(request), webhook=self.get_object())).data)


class NoticeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """What was told, newest first."""

    queryset = AlertNotice.objects.order_by("-created_at", "-pk")
    serializer_class = NoticeSerializer
    view_permission = "alert.view"
    change_permission = "alert.change"
    filterset_fields = ["environment", "rule", "webhook", "state", "reason", "by_mail"]

    @extend_schema(request=None, responses=NoticeSerializer)
    @action(detail=True, methods=["post"], url_path="send-again")
    def send_again(self, request: Request, pk: str) -> Response:
        """Send a notice once more."""
        return Response(
            self.get_serializer(notice_send_again(actor=current_user(request), notice=self.get_object())).data
        )
