"""The form of a gateway's settings, made from the document. Each help ends with what counts when nothing is said."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from portal.core.setting_forms.controls import Choice, Control, Number
from portal.core.setting_forms.form import SettingsForm
from portal.gateways.models import Gateway
from portal.gateways.settings import NAMES, OUTLINE


def default_told(node: Control) -> str:
    """Return what counts when nothing is said, with its unit; empty where that is nothing."""
    default, unit = node.setting.default, node.setting.unit
    if isinstance(node, Number) and default is not None:
        number = int(default) if float(default).is_integer() else default
        return f"{number:,} {unit}".strip().replace(",", "\u202f")
    return node.shown(str(default)) if isinstance(node, Choice) and default is not None else ""


class GatewaySettingsForm(SettingsForm):
    """All sections of one gateway. `values` are what the service takes: None for what is as by default as a whole."""

    folds = True

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        gateway: Gateway,
        settings: Any = None,
        **kwargs: Any,
    ) -> None:
        begun = gateway.settings if settings is None else settings
        kept = json.loads(gateway.secrets)
        super().__init__(data, files, outlines={"": OUTLINE}, settings={"": begun}, kept=kept, **kwargs)
        self.values: dict[str, Any] = {}

    def made(self, node: Control, *, kept: bool = False) -> forms.Field:
        """Add the default to the help. What is missing is told by the settings, in the words of REST and files."""
        made = super().made(node, kept=kept)
        made.required = False
        if told := default_told(node):
            made.help_text = f"{made.help_text} By default {told}."
        return made

    def clean(self) -> dict[str, Any]:
        """Return the values as the service takes them."""
        cleaned: dict[str, Any] = super().clean() or {}
        self.values = {**dict.fromkeys(NAMES), **self.value_at()}
        return cleaned

    def add_application_error(self, error: Any) -> None:
        """Put the service's sentences beside their settings."""
        for place, sentence in error.fields.items():
            self.add_fault(place.removeprefix("settings").removeprefix("."), sentence)
        if not error.fields:
            self.add_error(None, error.message)
