"""The form of a gateway's settings, made from the document. Each help ends with what counts when nothing is said."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from portal.core.setting_controls import Choice, Control, Number
from portal.core.setting_form import SettingsForm, Shown
from portal.core.setting_outline import outline
from portal.gateways.models import Gateway
from portal.gateways.settings import NAMES, GatewaySettings


def default_told(node: Control) -> str:
    """Return what counts when nothing is said, with its unit; empty where that is nothing."""
    default, unit = node.setting.default, node.setting.unit
    if isinstance(node, Number) and default is not None:
        number = int(default) if float(default).is_integer() else default
        return f"{number:,} {unit}".strip().replace(",", "\u202f")
    return node.shown(str(default)) if isinstance(node, Choice) and default is not None else ""


class GatewaySettingsForm(SettingsForm):
    """All sections of one gateway. `values` are what the service takes: None for what is as by default as a whole."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, files: Any = None, *, gateway: Gateway, shown: Any = None
    ) -> None:
        self.outline = outline(GatewaySettings)
        self.values: dict[str, Any] = {}
        begun = gateway.settings if shown is None else shown
        super().__init__(data, files, outlines=[(self.outline, "", begun)], kept=json.loads(gateway.secrets))

    def made(self, node: Control, *, kept: bool = False) -> forms.Field:
        """Add the default to the help. What is left out is as by default."""
        made = super().made(node, kept=kept)
        made.required = node.setting.required
        if told := default_told(node):
            made.help_text = f"{made.help_text} By default {told}."
        return made

    def clean(self) -> dict[str, Any]:
        """Return the values as the service takes them."""
        cleaned: dict[str, Any] = super().clean() or {}
        typed = self.outline.value(self.cleaned_data)
        self.values = {name: typed.get(name) for name in NAMES}
        return cleaned

    def add_application_error(self, error: Any) -> None:
        """Put the service's sentences beside their settings."""
        for place, sentence in error.fields.items():
            self.add_fault(place.removeprefix("settings").removeprefix("."), sentence)
        if not error.fields:
            self.add_error(None, error.message)

    def parts(self) -> list[Shown]:
        """Return the sections as the template draws them."""
        return self.parts_of(self.outline, "")
