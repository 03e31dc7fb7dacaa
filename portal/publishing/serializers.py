"""REST shapes of revisions."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.publishing.models import Acknowledgement, Hold, Revision
from portal.publishing.selectors import changes_of
from portal.publishing.waiting import waiting_of


class AcknowledgementSerializer(serializers.ModelSerializer[Acknowledgement]):
    """How one replica took a revision."""

    class Meta:
        model = Acknowledgement
        fields = ["replica_id", "state", "applied_at", "took_ms", "error_code", "error_path", "message"]


class SettingChangeSerializer(serializers.Serializer[Any]):
    """One setting, old and new; secrets are masked."""

    path = serializers.CharField()
    old = serializers.CharField()
    new = serializers.CharField()


class EffectSerializer(serializers.Serializer[Any]):
    """Whom a change concerns: applications with a contract, calls in the seven days before (null: not to be seen)."""

    applications = serializers.IntegerField()
    calls = serializers.IntegerField(allow_null=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """One thing that a revision added, removed or changed. `effect` is there for changes of an API."""

    sentence = serializers.CharField()

    action = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    where = serializers.CharField()
    settings = SettingChangeSerializer(many=True)
    effect = EffectSerializer(allow_null=True)


class RevisionSerializer(serializers.ModelSerializer[Revision]):
    """A numbered configuration of a gateway, without its sealed content."""

    quarantined = serializers.DictField(read_only=True)

    class Meta:
        model = Revision
        fields = [
            "id", "gateway", "number", "digest", "actor_name", "message", "quarantined", "requested_at",
            "created_at", "published_at",
        ]  # fmt: skip


class RevisionDetailSerializer(RevisionSerializer):
    """A revision with what it changed and how replicas took it."""

    acknowledgements = AcknowledgementSerializer(many=True)
    changes = serializers.SerializerMethodField()

    class Meta(RevisionSerializer.Meta):
        fields = [*RevisionSerializer.Meta.fields, "acknowledgements", "changes"]

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, revision: Revision) -> Any:
        """Return what changed against the revision before."""
        return ChangeSerializer(changes_of(revision, self.context["request"].user), many=True).data


class ComparisonSerializer(serializers.Serializer[Any]):
    """What one revision has otherwise than another."""

    base = serializers.IntegerField()
    number = serializers.IntegerField()
    changes = ChangeSerializer(many=True)


class HoldSerializer(serializers.ModelSerializer[Hold]):
    """A gateway that is held on the configuration of a revision."""

    gateway_name = serializers.CharField(source="gateway.name")
    revision_number = serializers.IntegerField(source="revision.number")

    class Meta:
        model = Hold
        fields = [
            "id", "gateway", "gateway_name", "revision", "revision_number", "reason", "actor_name",
            "waiting_message", "waiting_actors", "created_at",
        ]  # fmt: skip


class HoldDetailSerializer(HoldSerializer):
    """A hold with what waits."""

    changes = serializers.SerializerMethodField()

    class Meta(HoldSerializer.Meta):
        fields = [*HoldSerializer.Meta.fields, "changes"]

    @extend_schema_field(ChangeSerializer(many=True))
    def get_changes(self, hold: Hold) -> Any:
        """Return what would be otherwise if the hold were ended."""
        return ChangeSerializer(waiting_of(hold, self.context["request"].user).changes, many=True).data
