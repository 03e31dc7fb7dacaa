"""The form of a listener, made from its settings."""

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.core.setting_controls import Control
from portal.core.setting_form import SettingsForm, Shown
from portal.core.setting_outline import outline
from portal.gateways.listener_services import CertificateUse
from portal.gateways.listener_settings import ListenerSettings
from portal.gateways.models import Certificate, Listener


def shown_listener(listener: Listener) -> dict[str, Any]:
    """Return a listener as its form shows it."""
    return {
        "name": listener.name,
        "host": listener.host,
        "port": listener.port,
        "protocol": str(listener.protocol),
        "certificates": [
            {"certificate": str(use.certificate_id), "names": use.names} for use in listener.certificates.all()
        ],
        "tls": listener.tls,
        "proxy_protocol": listener.proxy_protocol,
    }


class ListenerForm(SettingsForm):
    """A listener; `certificates` are those that may be chosen. `values` are what the service takes."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        certificates: Any,
        shown: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.outline = outline(ListenerSettings)
        self.certificates: dict[str, Certificate] = {str(each.pk): each for each in certificates}
        self.values: dict[str, Any] = {}
        # A first row saves a click, and a blank one is left out.
        begun = shown or {}
        if not begun.get("certificates") and self.certificates:
            begun = {**begun, "certificates": [{}]}
        super().__init__(data, files, outlines=[(self.outline, "", begun)], **kwargs)

    def made(self, node: Control, *, kept: bool = False) -> forms.Field:
        """Let a certificate be chosen by its name."""
        if node.setting.name == "certificate":
            choices = [(key, f"{each} ({', '.join(each.names[:2])})") for key, each in self.certificates.items()]
            return forms.ChoiceField(**node.names(choices=[("", "Choose a certificate"), *choices]))
        made = super().made(node, kept=kept)
        # What is left out stays as it is, or as it usually is.
        made.required = node.setting.required
        return made

    def clean(self) -> dict[str, Any]:
        """Return the values as the service takes them."""
        cleaned: dict[str, Any] = super().clean() or {}
        values = self.outline.value(self.cleaned_data)
        values["certificates"] = [
            CertificateUse(self.certificates[row["certificate"]], row["names"])
            for row in values.get("certificates", [])
            if row.get("certificate") in self.certificates
        ]
        self.values = values
        return cleaned

    def add_application_error(self, error: Any) -> None:
        """Put the service's sentences beside their settings."""
        for place, sentence in error.fields.items():
            self.add_fault(place, sentence)
        if not error.fields:
            self.add_error(None, error.message)

    def parts(self) -> list[Shown]:
        """Return the settings as the template draws them."""
        return self.parts_of(self.outline, "")
