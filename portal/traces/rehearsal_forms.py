"""The form of a request to rehearse, and the address that keeps it without its secrets."""

import ipaddress
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django import forms

from portal.apis.checks import METHODS
from portal.apis.models import ApiInstance
from portal.contracts.models import ClientApplication
from portal.core.forms import ConsoleForm
from portal.traces.rehearsal import Asked

MOST_HEADERS = 100
LARGEST_BODY = 100_000
# Names of headers and parameters whose values stay out of addresses.
_SECRET = re.compile(r"auth|cookie|secret|token|passw|key|credential|signature|session|assertion", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_PRINTED = re.compile(r"[^\x00-\x1f\x7f]*\Z")


def is_secret(name: str) -> bool:
    """Tell whether a header or parameter is named as secrets are."""
    return _SECRET.search(name) is not None


def headers_typed(text: str) -> tuple[tuple[str, str], ...]:
    """Return headers from lines such as `X-Kind: a`. Raises `ValidationError`."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not _NAME.match(name) or not _PRINTED.match(value):
            raise forms.ValidationError(f"Write “{line[:60]}” as Name: value.")
        found.append((name, value.strip()))
    if len(found) > MOST_HEADERS:
        raise forms.ValidationError(f"Use at most {MOST_HEADERS} headers.")
    return tuple(found)


class RehearsalForm(ConsoleForm):
    """A request as it would arrive at the gateway."""

    method = forms.ChoiceField(choices=[(name, name) for name in METHODS[:7]])
    path = forms.CharField(
        max_length=8000,
        help_text="From the base path on, with the query: /orders/17?fields=state.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    host = forms.CharField(max_length=300, required=False, help_text="Empty: that of the gateway.")
    headers = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="One per line: X-Kind: a. Those named like secrets stay out of the link.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code"}),
    )
    application = forms.ModelChoiceField(
        queryset=ClientApplication.objects.none(),
        required=False,
        empty_label="Nobody in particular",
        help_text="Sends its client ID and what stands in for its secret, as headers or HTTP Basic.",
    )
    client_ip = forms.CharField(label="Client address", max_length=50, initial="192.0.2.1")
    body = forms.CharField(
        required=False,
        max_length=LARGEST_BODY,
        strip=False,
        help_text="Empty: without one. It stays out of the link.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "code"}),
    )

    def __init__(self, *args: Any, instance: ApiInstance, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance = instance
        application: Any = self.fields["application"]
        application.queryset = ClientApplication.objects.filter(contracts__instance=instance).distinct()

    def clean_path(self) -> str:
        """Take what can stand in a request line."""
        path: str = self.cleaned_data["path"]
        if not path.startswith("/") or not _PRINTED.match(path) or " " in path:
            raise forms.ValidationError("Begin with a slash, and escape spaces as %20.")
        return path

    def clean_host(self) -> str:
        """Fall back to the gateway's own."""
        host: str = self.cleaned_data["host"]
        if " " in host or not _PRINTED.match(host):
            raise forms.ValidationError("A host has no spaces.")
        return host or self.instance.gateway.public_host or "localhost"

    def clean_client_ip(self) -> str:
        """Take an address."""
        try:
            return str(ipaddress.ip_address(self.cleaned_data["client_ip"]))
        except ValueError as error:
            raise forms.ValidationError("Write an address such as 192.0.2.1.") from error

    def clean_headers(self) -> tuple[tuple[str, str], ...]:
        """Read the lines."""
        return headers_typed(self.cleaned_data["headers"])

    def asked(self) -> Asked:
        """Return the request, once the form is valid."""
        return Asked(**self.cleaned_data)

    def link(self) -> str:
        """Return the query of an address that shows the form filled in, without what is secret."""
        asked = self.asked()
        parts = urlsplit(asked.path)
        query = urlencode([pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not is_secret(pair[0])])
        values = {
            "method": asked.method,
            "path": f"{parts.path}?{query}" if query else parts.path,
            "host": self.data.get("host", ""),
            "headers": "\n".join(f"{name}: {value}" for name, value in asked.headers if not is_secret(name)),
            "application": str(asked.application.pk) if asked.application else "",
            "client_ip": asked.client_ip,
        }
        return urlencode({name: value for name, value in values.items() if value})
