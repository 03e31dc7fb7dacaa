"""Forms about taking files in."""

from typing import Any

from django import forms

from portal.core.forms import ConsoleForm
from portal.gateways.models import Gateway

VARIABLE = "variable_"
MOST_FILE_BYTES = 4 * 1024 * 1024


class SecretsForm(ConsoleForm):
    """A form that also asks for secrets, each under the name of its variable. What was typed is never shown again."""

    def __init__(self, *args: Any, missing: tuple[Any, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [name.removeprefix(VARIABLE) for name in self.data if name.startswith(VARIABLE)]
        about = {each.name: each for each in missing}
        for name in dict.fromkeys([*names, *about]):
            help_text = " ".join(filter(None, (about[name].about, about[name].where))) if name in about else ""
            field = forms.CharField(
                required=False, label=name, strip=False, help_text=help_text, widget=forms.PasswordInput
            )
            self.fields[f"{VARIABLE}{name}"] = field
            self.dress(field)

    def variables(self) -> dict[str, str]:
        """Return the values that were filled in."""
        return {
            name.removeprefix(VARIABLE): value
            for name, value in self.cleaned_data.items()
            if name.startswith(VARIABLE) and value
        }


class ImportForm(SecretsForm):
    """A file, chosen or pasted, and the gateway it is for."""

    gateway = forms.ModelChoiceField(queryset=Gateway.objects.none(), empty_label=None)
    file = forms.FileField(
        required=False, help_text="YAML, as the export makes it or as a gateway without a portal reads it."
    )
    text = forms.CharField(
        required=False,
        label="Or paste it",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, gateways: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gateway: Any = self.fields["gateway"]
        gateway.queryset = gateways

    def clean_file(self) -> Any:
        """Read what was chosen."""
        chosen = self.cleaned_data["file"]
        if chosen is None:
            return None
        if chosen.size > MOST_FILE_BYTES:
            raise forms.ValidationError(f"Choose a file of at most {MOST_FILE_BYTES // 1024**2} MB.")
        return chosen.name, chosen.read()

    def clean(self) -> dict[str, Any]:
        """Take the chosen file, else what was pasted."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("file") is None and not values.get("text", "").strip():
            self.add_error("text", "Choose a file, or paste one.")
        return values

    def given(self) -> list[tuple[str, bytes]]:
        """Return the file with its name."""
        chosen = self.cleaned_data.get("file")
        return [chosen or ("pasted.yaml", self.cleaned_data["text"].encode())]
