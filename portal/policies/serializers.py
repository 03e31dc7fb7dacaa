"""REST shapes of policies."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from gateway_runtime.schema.mode import Mode
from gateway_runtime.schema.policy import PolicyDefinition
from portal.apis.models import ApiInstance
from portal.core.api import ScopedRelatedField
from portal.policies.models import PolicyBinding
from portal.policies.schemas import any_config_schema, config_schema
from portal.policies.settings import masked_settings


class RefusalSerializer(serializers.Serializer[Any]):
    """A way in which a policy ends a request."""

    code = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()
    detail = serializers.CharField()


class PolicySerializer(serializers.Serializer[Any]):
    """A policy that can be applied."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    category = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    default_order = serializers.IntegerField()
    secret_settings = serializers.ListField(child=serializers.CharField())
    refusals = RefusalSerializer(many=True)
    example = serializers.DictField()
    config_schema = serializers.SerializerMethodField(help_text="JSON Schema of the settings.")
    documentation = serializers.CharField(help_text="Markdown.")

    def get_config_schema(self, policy: PolicyDefinition) -> dict[str, Any]:
        """Return the schema of the settings."""
        return config_schema(policy)


class ExpressionSerializer(serializers.Serializer[Any]):
    """An expression that is being written, and the setting it is for."""

    setting = serializers.CharField(max_length=200, help_text="The setting's path: `headers[0].value`.")
    expression = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=20_000)


class ExpressionCheckSerializer(serializers.Serializer[Any]):
    """What is wrong with an expression; nothing when it can be saved."""

    code = serializers.CharField(allow_blank=True, help_text="Empty when nothing is wrong.")
    message = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(allow_null=True, help_text="The character that is wrong, from 0.")


@extend_schema_field(any_config_schema())
class ConfigField(serializers.JSONField):
    """The settings of a policy. Secrets are masked in answers; a masked or empty one that is sent is kept."""

    def get_attribute(self, instance: PolicyBinding) -> Any:
        """Return the settings as they may be shown."""
        return masked_settings(instance)

    def to_internal_value(self, data: Any) -> Any:
        """Accept an object."""
        if not isinstance(data, dict):
            raise serializers.ValidationError("The settings are an object: names and values.")
        return super().to_internal_value(data)


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "RE2 pattern for the path after the base path."},
                "host": {"type": "string", "description": "RE2 pattern for the host without port."},
                "methods": {"type": "string", "description": "RE2 pattern such as GET|HEAD."},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    }
)
class RulesField(serializers.JSONField):
    """The conditions of a binding. The service checks them."""


class BindingSerializer(serializers.ModelSerializer[PolicyBinding]):
    """A policy applied to an API instance."""

    instance: Any = ScopedRelatedField(queryset=ApiInstance.objects.all(), permission="policy.change")
    policy = serializers.CharField(max_length=80)
    order = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    enabled = serializers.BooleanField(required=False, help_text="Whether its mode is another one than `off`.")
    mode = serializers.ChoiceField(
        choices=[str(mode) for mode in Mode],
        required=False,
        help_text="`shadow` only counts what the policy would have refused.",
    )
    rules = RulesField(required=False, help_text="Which requests meet the policy; any one is enough. Empty: all.")
    config = ConfigField(required=False)

    class Meta:
        model = PolicyBinding
        fields = [
            "id", "instance", "policy", "order", "enabled", "mode", "rules", "config", "created_at", "updated_at",
        ]  # fmt: skip


class BindingChangeSerializer(BindingSerializer):
    """What may change: the policy and its instance may not."""

    instance: Any = serializers.PrimaryKeyRelatedField(read_only=True)
    policy = serializers.CharField(read_only=True)
