"""What REST shows and takes of applications, contracts and tiers."""

from typing import Any

from rest_framework import serializers

from gateway_runtime.schema.calendar_period import CalendarPeriod
from portal.apis.models import ApiInstance
from portal.contracts.limits import (
    CALENDAR_PERIOD,
    MAXIMUM_REQUESTS,
    MOST_OVERLAP_HOURS,
    MOST_REQUESTS,
    SHORTEST_PERIOD_MS,
    TIME_PERIOD,
)
from portal.contracts.models import ClientApplication, Contract, Credential, SlaTier
from portal.contracts.selectors import applications_of, instances_offered_to, tiers_readable_by
from portal.core.api import ScopedRelatedField


class CredentialSerializer(serializers.ModelSerializer):
    """A secret as it can be recognised, never the secret."""

    class Meta:
        model = Credential
        fields = ["id", "hint", "created_at", "expires_at"]
        read_only_fields = fields


class ApplicationSerializer(serializers.ModelSerializer):
    """A client application of the caller."""

    credentials = CredentialSerializer(many=True, read_only=True)

    class Meta:
        model = ClientApplication
        fields = ["id", "name", "description", "url", "client_id", "credentials", "created_at", "updated_at"]
        read_only_fields = ["id", "client_id", "created_at", "updated_at"]


class IssuedApplicationSerializer(ApplicationSerializer):
    """An application with the secret it has just been given: the only answer that holds it."""

    client_secret = serializers.CharField(read_only=True)

    class Meta(ApplicationSerializer.Meta):
        fields = [*ApplicationSerializer.Meta.fields, "client_secret"]


class LimitSerializer(serializers.Serializer):
    """So many requests in so much time, or in each calendar period."""

    def get_fields(self) -> Any:
        """Name the fields as policies do."""
        return {
            MAXIMUM_REQUESTS: serializers.IntegerField(min_value=1, max_value=MOST_REQUESTS),
            TIME_PERIOD: serializers.IntegerField(min_value=SHORTEST_PERIOD_MS, required=False),
            CALENDAR_PERIOD: serializers.ChoiceField(
                choices=[str(period) for period in CalendarPeriod], required=False
            ),
        }


class TierSerializer(serializers.ModelSerializer):
    """A tier of an instance."""

    instance: Any = ScopedRelatedField(queryset=ApiInstance.objects, permission="tier.change")
    limits = LimitSerializer(many=True)

    class Meta:
        model = SlaTier
        fields = ["id", "instance", "name", "description", "limits", "approval", "created_at", "updated_at"]
        read_only_fields = ["id", "created_at", "updated_at"]
        # The service says it beside the right field.
        validators: list[Any] = []


class TierChangeSerializer(TierSerializer):
    """What can be changed of a tier: everything but its instance."""

    instance: Any = serializers.PrimaryKeyRelatedField(read_only=True)


class OwnApplicationField(serializers.PrimaryKeyRelatedField):
    """A reference to an application of the caller."""

    def get_queryset(self) -> Any:
        """Return the caller's applications."""
        return applications_of(self.context["request"].user)


class OfferedInstanceField(serializers.PrimaryKeyRelatedField):
    """A reference to an instance the caller may ask access to."""

    def get_queryset(self) -> Any:
        """Return the instances offered to the caller."""
        return instances_offered_to(self.context["request"].user)


class ReadableTierField(serializers.PrimaryKeyRelatedField):
    """A reference to a tier the caller may read."""

    def get_queryset(self) -> Any:
        """Return the tiers readable by the caller."""
        return tiers_readable_by(self.context["request"].user)


class ContractSerializer(serializers.ModelSerializer):
    """A contract; `application_name` and `application_owner` tell a provider who is behind it."""

    application = OwnApplicationField(queryset=ClientApplication.objects)
    instance = OfferedInstanceField(queryset=ApiInstance.objects)
    tier = ReadableTierField(queryset=SlaTier.objects, required=False, allow_null=True, default=None)
    application_name = serializers.CharField(source="application.name", read_only=True)
    application_owner = serializers.CharField(source="application.owner.name", read_only=True)

    class Meta:
        model = Contract
        fields = [
            "id",
            "application",
            "application_name",
            "application_owner",
            "instance",
            "tier",
            "status",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "status", "created_at", "updated_at"]
        validators: list[Any] = []


class RotationSerializer(serializers.Serializer[Any]):
    """How long the secret before goes on."""

    overlap_hours = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_OVERLAP_HOURS, help_text="Hours for which the old secret works; 24."
    )
