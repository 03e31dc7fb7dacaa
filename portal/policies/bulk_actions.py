"""Policies on many API instances at once: as one of them has it, or as written down, and gone again."""

from typing import Any

from django import forms

from gateway_runtime.declarative import FileFault, read_entries
from gateway_runtime.policies.registry import all_definitions
from portal.apis.bulk_actions import PLACE, BulkForm
from portal.apis.models import ApiInstance
from portal.core.bulk import BulkAction, Chosen, register
from portal.core.errors import ApplicationError
from portal.core.setting_forms.secrets import MASK
from portal.policies.models import PolicyBinding
from portal.policies.services import policy_apply, policy_remove, policy_update
from portal.policies.settings import policy_definition, policy_title, secret_settings, settings_check


def apply(*, actor: Any, row: ApiInstance, policy: str, config: dict[str, Any], like: Any, **settings: Any) -> str:
    """Apply a policy to one, or give the one that it has these settings."""
    if like is not None:
        if like.instance.environment_id != row.environment_id:
            sentence = f"Secrets stay in their environment, and {like.instance} is in another one."
            raise ApplicationError("policy_elsewhere", sentence, fields={"like": sentence})
        policy, config = like.policy, {**like.config, **secret_settings(like)}
        settings = {"order": like.order, "mode": str(like.mode), "rules": like.rules}
    known = policy_definition(policy)
    binding = row.policies.filter(policy=known.name).first()
    if binding is None:
        policy_apply(actor=actor, instance=row, policy=known.name, config=config, **settings)
        return f"gets {known.title}"
    changed = binding.updated_at
    binding = policy_update(actor=actor, binding=binding, config=config, **settings)
    return "" if binding.updated_at == changed else f"{known.title} gets other settings"


def remove(*, actor: Any, row: ApiInstance, policy: str) -> str:
    """Take a policy from one."""
    binding = row.policies.filter(policy=policy).first()
    if binding is None:
        return ""
    policy_remove(actor=actor, binding=binding)
    return f"loses {policy_title(policy)}"


class SettingsField(forms.CharField):
    """Settings as YAML; REST gives them as an object."""

    widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "placeholder": "ips: [10.0.0.1]"})

    def clean(self, value: Any) -> Any:
        """Return names and values."""
        if isinstance(value, dict):
            return value
        try:
            entries = read_entries("settings", super().clean(value).encode())
        except FileFault as fault:
            raise forms.ValidationError(f"Line {fault.line}: {fault.message}") from fault
        read = entries[0].value if entries else {}
        if not isinstance(read, dict) or len(entries) > 1:
            raise forms.ValidationError("Write names and values, such as ips: [10.0.0.1].")
        return read


class PolicyApplyForm(BulkForm):
    """Which policy, and with which settings."""

    like = forms.ModelChoiceField(
        queryset=PolicyBinding.objects.none(),
        required=False,
        empty_label="As written below",
        label="As it is on",
        help_text="With all its settings, its secrets, order, mode and conditions.",
    )
    policy = forms.ChoiceField(required=False)
    config = SettingsField(
        required=False,
        label="Settings",
        help_text="YAML, in the words of declarative files. Where a policy has secrets, set it up on one API and "
        "choose that above.",
    )

    def __init__(self, *args: Any, chosen: Chosen, **kwargs: Any) -> None:
        super().__init__(*args, chosen=chosen, **kwargs)
        rows = PolicyBinding.objects.visible_to(chosen.user, "policy.change")
        if chosen.environment is not None:
            rows = rows.filter(instance__environment=chosen.environment)
        like: Any = self.fields["like"]
        like.queryset = rows.select_related("instance__api_version__api").order_by("policy", "instance_id")
        like.label_from_instance = lambda binding: f"{policy_title(binding.policy)} on {binding.instance}"
        policy: Any = self.fields["policy"]
        policy.choices = [("", "Choose a policy"), *((each.name, each.title) for each in all_definitions())]

    def clean(self) -> dict[str, Any]:
        """Check the settings as the policy itself does, before any row is asked."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("like") is not None or self.errors:
            return values
        if not values.get("policy"):
            self.add_error("policy", "Choose a policy, or one that is there.")
            return values
        known, config = policy_definition(values["policy"]), values["config"]
        if typed := [name for name in known.secret_settings() if config.get(name) not in (None, "", MASK)]:
            self.add_error("config", f"{typed[0]} is a secret and is not typed here. Choose the API that has it.")
            return values
        try:
            settings_check(known, config)
        except ApplicationError as error:
            for name, sentence in error.fields.items():
                self.add_error("config", f"{name.removeprefix('config.')}: {sentence}")
        return values


class PolicyRemoveForm(BulkForm):
    """Which policy goes: one that any of the chosen has."""

    policy = forms.ChoiceField()

    def __init__(self, *args: Any, chosen: Chosen, **kwargs: Any) -> None:
        super().__init__(*args, chosen=chosen, **kwargs)
        rows = PolicyBinding.objects.filter(instance__in=[row.pk for row in chosen.rows])
        policy: Any = self.fields["policy"]
        policy.choices = [(name, policy_title(name)) for name in sorted(set(rows.values_list("policy", flat=True)))]
        if not policy.choices:
            policy.help_text = "None of them has a policy of its own."


def bulk_actions_register() -> None:
    """Offer them on the list of instances."""
    register(
        PLACE,
        BulkAction(
            name="policy-apply", title="Apply policy", permission="policy.change", run=apply, form=PolicyApplyForm,
            icon="shield-plus", order=40,
        ),
    )  # fmt: skip
    register(
        PLACE,
        BulkAction(
            name="policy-remove", title="Remove policy", permission="policy.change", run=remove, form=PolicyRemoveForm,
            icon="shield-minus", dangerous=True, order=41,
        ),
    )  # fmt: skip
