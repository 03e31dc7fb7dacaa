"""REST shapes of revisions."""

import dataclasses
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.publishing.models import Acknowledgement, Revision
from portal.publishing.selectors import changes_of


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


class ChangeSerializer(serializers.Serializer[Any]):
    """One thing that a revision added, removed or changed."""

    action = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    where = serializers.CharField()
    settings = SettingChangeSerializer(many=True)


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
    def get_changes(self, revision: Revision) -> list[dict[str, Any]]:
        """Return what changed against the revision before."""
        return [dataclasses.asdict(change) for change in changes_of(revision)]
