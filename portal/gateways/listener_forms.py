"""The form of a listener, made from its settings."""

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.core.setting_forms.controls import Control
from portal.core.setting_forms.form import SettingsForm
from portal.gateways.listener_services import CertificateUse
from portal.gateways.listener_settings import OUTLINE
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
        settings: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.certificates: dict[str, Certificate] = {str(each.pk): each for each in certificates}
        self.values: dict[str, Any] = {}
        # A first row saves a click, and a blank one is left out.
        begun = settings or {}
        if not begun.get("certificates") and self.certificates:
            begun = {**begun, "certificates": [{}]}
        super().__init__(data, files, outlines={"": OUTLINE}, settings={"": begun}, **kwargs)

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
        values = self.value_at()
        values["certificates"] = [
            CertificateUse(self.certificates[row["certificate"]], row["names"])
            for row in values.get("certificates", [])
            if row.get("certificate") in self.certificates
        ]
        self.values = values
        return cleaned
