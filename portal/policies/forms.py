"""The form of every policy, made from its definition. Field names are the settings' own: `rateLimits.0.key`."""

from collections.abc import Mapping
from typing import Any

from gateway_runtime.policies.registry import read_config
from gateway_runtime.schema.faults import ConfigFault
from gateway_runtime.schema.policy import PolicyDefinition
from portal.core.errors import ApplicationError
from portal.core.setting_forms.form import SettingsForm, Shown
from portal.core.setting_forms.outline import field_path, outline
from portal.policies.settings import with_kept_secrets
from portal.policies.when import PLACE, typed_when, when_outline


class PolicyForm(SettingsForm):
    """The settings of one policy, and when it acts. After validation `config` and `when` are what the service takes.

    `config` and `when` given are what the form shows; `kept` are the stored secrets, which are never shown. With
    `automated` it is for the instances that a selector says, else for the requests that conditions say.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        definition: PolicyDefinition,
        config: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        when: Mapping[str, Any] | None = None,
        automated: bool = False,
        **kwargs: Any,
    ) -> None:
        self.definition = definition
        self.config: dict[str, Any] = {}
        self.when: dict[str, Any] = {}
        super().__init__(
            data,
            files,
            outlines={"": outline(definition.config), PLACE: when_outline(definition, automated=automated)},
            settings={"": config, PLACE: when},
            kept=kept,
            **kwargs,
        )
        # Who leaves it out says nothing about it: a new policy is enforced, another one stays as it is.
        self.fields[f"{PLACE}.mode"].required = False

    def clean(self) -> dict[str, Any]:
        """Let the policy's own type decide, as in REST and files, and put its sentence beside the field."""
        cleaned = super().clean()
        self.config = self.value_at()
        try:
            self.when = typed_when(self.value_at(PLACE))
        except ApplicationError as error:
            self.add_error(f"{PLACE}.selector", error.message)
        if not self.errors:
            try:
                read_config(self.definition, with_kept_secrets(self.definition, self.config, self.kept))
            except ConfigFault as fault:
                self.add_fault(field_path(fault.path), fault.message)
        return cleaned

    def add_application_error(self, error: Any) -> None:
        """Put a service's sentences about settings beside their fields."""
        for name, sentence in error.fields.items():
            first, _, rest = name.partition(".")
            self.add_fault(
                f"{PLACE}.{name}" if first in ("mode", "rules", "selector") else rest if first == "config" else "",
                sentence,
            )
        if not error.fields:
            self.add_error(None, error.message)

    def shown_when(self) -> list[Shown]:
        """Return what says when the policy acts as the template draws it."""
        return self.shown_at(PLACE)
