"""Uploading a certificate: as files, or as text pasted into the form."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.gateways.certificate_checks import LONGEST_PEM

_NOT_TEXT = "This file is not in PEM form, which is text. Turn it into PEM first, for example with openssl."


class SecretTextarea(forms.Textarea):
    """A text area that never shows what was typed into it again."""

    def format_value(self, value: Any) -> Any:
        """Show nothing."""
        return ""


class PastedField(forms.CharField):
    """Text that may come as a file instead: whether it is missing is known only with the file."""

    def validate(self, value: Any) -> None:
        """Leave that to the form."""


def _pasted(label: str, help_text: str, widget: type[forms.Textarea], begins: str) -> forms.CharField:
    attrs = {"rows": 5, "spellcheck": "false", "autocomplete": "off", "placeholder": f"-----BEGIN {begins}-----"}
    return PastedField(label=label, widget=widget(attrs=attrs), help_text=help_text, max_length=LONGEST_PEM)


class CertificateForm(ConsoleForm):
    """A new certificate. What a file and a text area have in common is told beside the text area."""

    name = forms.CharField(
        max_length=80, required=False, help_text="How you call it. Empty: the first host name that it is for."
    )
    chain = _pasted(
        "Certificates",
        "The certificate of the server first, then each time the one that issued the one before, in PEM form.",
        forms.Textarea,
        "CERTIFICATE",
    )
    chain_file = forms.FileField(label="… or as a file", required=False, help_text="Often fullchain.pem.")
    key = _pasted(
        "Private key",
        "In PEM form. It is encrypted at once and never shown again.",
        SecretTextarea,
        "PRIVATE KEY",
    )
    key_file = forms.FileField(label="… or as a file", required=False, help_text="Often privkey.pem.")
    passphrase = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(),
        help_text="Only where the key is protected by one. It is used once to open the key and not kept.",
    )
    use_required_attribute = False
    needed: tuple[str, ...] = ("chain", "key")

    def clean(self) -> dict[str, Any]:
        """Return chain and key as text, wherever they came from."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in ("chain", "key"):
            file = cleaned.pop(f"{name}_file", None)
            if file is not None and cleaned.get(name):
                self.add_error(name, "Paste it or choose a file, not both.")
            elif file is not None:
                cleaned[name] = self._text(name, file)
            elif not cleaned.get(name) and name in self.needed and name not in self.errors:
                self.add_error(name, "Paste it, or choose a file.")
        return cleaned

    def _text(self, name: str, file: Any) -> str:
        if file.size <= LONGEST_PEM:
            try:
                text: str = file.read().decode("ascii")
                return text
            except UnicodeDecodeError:
                pass
        self.add_error(f"{name}_file", _NOT_TEXT)
        return ""


class CertificateEditForm(CertificateForm):
    """Another name, or a renewed certificate."""

    needed = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["chain"].required = self.fields["key"].required = False
        self.fields["name"].help_text = "How you call it."
        self.fields["chain"].help_text += " Empty: as it is."
        self.fields["key"].help_text += " Empty: the present key, where the new certificate belongs to it."
