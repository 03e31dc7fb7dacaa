"""The form of a service: its URL, and everything else folded. What it offers comes from the document's own part."""

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.apis.service_settings import OUTLINE
from portal.core.setting_forms.form import SettingsForm, Shown

PLACE = "settings"


class ServiceForm(SettingsForm):
    """A backend. `settings` has what is stored of it, `kept` stored secrets by path, which are never shown."""

    folds = True
    name = forms.CharField(max_length=80, help_text="For example orders-eu.")
    url = forms.CharField(
        label="URL",
        max_length=500,
        help_text="The address up to its base path, not a resource, for example http://orders.example.com:9001/api.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocapitalize": "none"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        settings: Mapping[str, Any] | None = None,
        kept: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            data,
            files,
            outlines={PLACE: OUTLINE},
            settings=settings or {},
            kept={f"{PLACE}.{path}": secret for path, secret in (kept or {}).items()},
            **kwargs,
        )

    def clean(self) -> dict[str, Any]:
        """Return one value for all settings."""
        cleaned = super().clean()
        return {**{name: cleaned.get(name) for name in self.base_fields}, PLACE: self.value_at(PLACE)}

    def shown_settings(self) -> list[Shown]:
        """Return the settings as the template draws them."""
        return self.shown_at(PLACE)
