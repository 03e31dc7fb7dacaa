"""REST: alerts and the times in which they were met."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portal.accounts.current import current_user
from portal.alerts.models import AlertEpisode, AlertNotice, AlertRule, AlertWebhook
from portal.alerts.notices import alert_test
from portal.alerts.selectors import alert_preview, rule_state, rules_with_state
from portal.alerts.services import (
    MOST_SILENCE_MINUTES,
    alert_create,
    alert_delete,
    alert_disable,
    alert_enable,
    alert_silence,
    alert_update,
)
from portal.alerts.settings_checks import PLAIN
from portal.apis.models import ApiInstance
from portal.core.api import ScopedRelatedField, ScopedViewSet
from portal.organizations.models import Environment


class AlertSerializer(serializers.ModelSerializer):
    """An alert. Environment and kind cannot be changed; which settings count depends on the kind."""

    environment = ScopedRelatedField(queryset=Environment.objects.order_by("pk"), permission="alert.view")
    instances = ScopedRelatedField(
        queryset=ApiInstance.objects.order_by("pk"), permission="instance.view", many=True, required=False,
        help_text="Without any it is about the whole environment.",
    )  # fmt: skip
    webhooks = ScopedRelatedField(
        queryset=AlertWebhook.objects.order_by("pk"), permission="alert.view", many=True, required=False
    )
    statuses = serializers.ListField(
        child=serializers.CharField(max_length=3), required=False, help_text="Such as 429 and 5xx."
    )
    events = serializers.ListField(
        child=serializers.CharField(max_length=20), required=False,
        help_text="request, approve, reject, revoke and restore.",
    )  # fmt: skip
    emails = serializers.ListField(child=serializers.CharField(max_length=254), required=False)
    state = serializers.SerializerMethodField(help_text="firing, quiet, silenced or disabled.")

    class Meta:
        model = AlertRule
        fields = [
            "id", "environment", "kind", *PLAIN, "instances", "webhooks", "enabled", "state", "silenced_until",
            "evaluated_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "silenced_until", "evaluated_at", "created_at", "updated_at"]
        # The service says the same in a sentence beside the right field.
        validators: list[Any] = []

    def get_state(self, rule: AlertRule) -> str:
        """Return whether it fires now."""
        return rule_state(rules_with_state(AlertRule.objects.filter(pk=rule.pk)).get())


class AlertChangeSerializer(AlertSerializer):
    """What can be changed of an alert."""

    class Meta(AlertSerializer.Meta):
        fields = [*PLAIN, "instances", "webhooks"]
        read_only_fields: list[str] = []
        extra_kwargs = {"name": {"required": False}}


class PreviewSerializer(serializers.Serializer):
    """How an alert would have done in the last 24 hours."""

    times = serializers.IntegerField(allow_null=True, help_text="Null where the past cannot be known.")
    sentence = serializers.CharField()


class SilenceSerializer(serializers.Serializer):
    """For how long nobody is told."""

    minutes = serializers.IntegerField(min_value=0, max_value=MOST_SILENCE_MINUTES, help_text="0 ends the silence.")


class AlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Alerts."""

    queryset = AlertRule.objects.select_related("environment__organization").prefetch_related("instances", "webhooks")
    serializer_class = AlertSerializer
    view_permission = "alert.view"
    change_permission = "alert.change"
    filterset_fields = ["environment", "kind", "severity", "enabled", "name"]
    unversioned_fields = ("state", "evaluated_at")

    def get_queryset(self) -> Any:
        """Return them in one order."""
        return super().get_queryset().order_by("name", "pk")

    def _values(self, request: Request) -> dict[str, Any]:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        self.check_change(Environment.objects.filter(pk=values["environment"].pk))
        return values

    def create(self, request: Request) -> Response:
        """Make an alert. It is judged within seconds."""
        rule = alert_create(actor=current_user(request), **self._values(request))
        return Response(self.get_serializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AlertChangeSerializer, responses=AlertSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change an alert."""
        rule = self.get_object()
        serializer = AlertChangeSerializer(data=request.data, partial=True, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        changed = alert_update(actor=current_user(request), rule=rule, **serializer.validated_data)
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Delete an alert with its history."""
        alert_delete(actor=current_user(request), rule=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=PreviewSerializer)
    @action(detail=False, methods=["post"], filterset_fields=None, pagination_class=None)
    def preview(self, request: Request) -> Response:
        """Say how often an alert with these settings would have fired in the last 24 hours. Makes nothing."""
        values = self._values(request)
        for name in ("webhooks", "enabled"):
            values.pop(name, None)
        environment, kind = values.pop("environment"), values.pop("kind")
        instances = list(values.pop("instances", ()))
        preview = alert_preview(environment=environment, kind=kind, instances=instances, settings=values)
        return Response(PreviewSerializer(preview).data)

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Switch an alert on."""
        return Response(self.get_serializer(alert_enable(actor=current_user(request), rule=self.get_object())).data)

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Switch an alert off."""
        return Response(self.get_serializer(alert_disable(actor=current_user(request), rule=self.get_object())).data)

    @extend_schema(request=SilenceSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def silence(self, request: Request, pk: str) -> Response:
        """Tell nobody for some minutes."""
        rule = self.get_object()
        asked = SilenceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changed = alert_silence(actor=current_user(request), rule=rule, minutes=asked.validated_data["minutes"])
        return Response(self.get_serializer(changed).data)

    @extend_schema(request=None, responses=serializers.ListSerializer(child=serializers.UUIDField()))
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a test to every receiver. Returns the ids of the notices."""
        notices: list[AlertNotice] = alert_test(actor=current_user(request), rule=self.get_object())
        return Response([str(notice.pk) for notice in notices])


class AlertEpisodeSerializer(serializers.ModelSerializer):
    """A time in which an alert was met."""

    class Meta:
        model = AlertEpisode
        fields = [
            "id", "rule", "subject", "subject_name", "detail", "latest", "started_at", "ended_at", "noticed_at",
        ]  # fmt: skip
        read_only_fields = fields


class AlertEpisodeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """The times in which alerts were met, newest first."""

    queryset = AlertEpisode.objects.order_by("-started_at", "-pk")
    serializer_class = AlertEpisodeSerializer
    view_permission = "alert.view"
    change_permission = "alert.change"
    filterset_fields = {"rule": ["exact"], "ended_at": ["isnull"], "started_at": ["gte", "lt"]}
