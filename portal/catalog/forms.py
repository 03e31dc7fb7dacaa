"""Forms of the catalog."""

from typing import Any

from django import forms

from portal.catalog.models import Layer, Lifecycle, Visibility
from portal.catalog.openapi.checks import openapi_from
from portal.catalog.openapi.fetching import specification_fetch
from portal.catalog.openapi.limits import MAX_BYTES
from portal.core.errors import ApplicationError
from portal.core.forms import ConsoleForm

LAYER_HELP = "System APIs open one system, process APIs combine them, experience APIs serve one kind of user."


class ApiForm(ConsoleForm):
    """What people read about an API."""

    name = forms.CharField(max_length=120, help_text="For example Orders. It is unique in the organization.")
    summary = forms.CharField(max_length=250, required=False, help_text="One sentence for lists.")
    description = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 6}), help_text="Markdown, shown on the API’s page."
    )
    layer = forms.ChoiceField(choices=Layer.choices, help_text=LAYER_HELP)
    visibility = forms.ChoiceField(
        choices=Visibility.choices, help_text="Who finds it in the developer hub.", initial=Visibility.PRIVATE
    )


class ApiCreateForm(ApiForm):
    """A new API also needs its first version."""

    version = forms.CharField(max_length=40, initial="v1", help_text="The first version, for example v1.")
    field_order = ("name", "version", "summary", "layer", "visibility", "description")


class SourceFormMixin(forms.Form):
    """Takes a specification in one of three ways and gives it on as `source`."""

    file = forms.FileField(
        label="OpenAPI file",
        help_text=f"OpenAPI 3.0 or 3.1 in YAML or JSON, at most {MAX_BYTES // 1024 // 1024} MB.",
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml,.json,application/yaml,application/json"}),
    )
    url = forms.CharField(
        label="Or its address",
        max_length=2000,
        help_text="Fetched once, now. Addresses on private networks are not fetched.",
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/openapi.yaml"}),
    )
    text = forms.CharField(
        label="Or its text",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "code", "spellcheck": "false"}),
    )
    # Whether the form can be sent without any of the three.
    source_optional = False
    # Which fields `clean` looks at as a whole: none of them is required by itself, and none is called optional.
    conditional: tuple[str, ...] = ("file", "url", "text")
    use_required_attribute = False

    def full_clean(self) -> None:
        """Let each of the conditional fields be empty."""
        for name in self.conditional:
            self.fields[name].required = False
        super().full_clean()
        for name in self.conditional:
            self.fields[name].required = not self.source_optional

    def source_needed(self) -> bool:
        """Tell whether one of the three must be given."""
        return not self.source_optional

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.conditional:
            self.fields[name].required = not self.source_optional

    def clean(self) -> dict[str, Any]:
        """Read the one source that was given."""
        values = super().clean() or self.cleaned_data
        file, url, text = values.pop("file", None), values.pop("url", ""), values.pop("text", "")
        given = [name for name, value in (("file", file), ("url", url.strip()), ("text", text.strip())) if value]
        if len(given) > 1:
            self.add_error(given[1], "Give the specification in one way only: a file, an address or its text.")
        elif not given and self.source_needed():
            self.add_error("file", "Choose a file, or give an address or the text.")
        values["source"] = ""
        if len(given) == 1:
            # Errors in the document are shown beside the field it came by.
            self.given = given[0]
            try:
                source = self._read(file, url.strip(), text)
                # Read here, before the transaction of the page begins.
                values["source"] = openapi_from(source) if source else ""
            except ApplicationError as error:
                self.add_application_error(error)
        return values

    def _read(self, file: Any, url: str, text: str) -> str | bytes:
        if file:
            return file.read(MAX_BYTES + 1)
        if text:
            return text
        try:
            return specification_fetch(url)
        except ApplicationError as error:
            self.add_error("url", error.fields.get("url", error.message))
            return ""

    def add_application_error(self, error: ApplicationError) -> None:
        """Show what is wrong with the document beside where it came from, one sentence a line."""
        fields = dict(error.fields)
        source = fields.pop("source", "")
        for sentence in source.splitlines():
            self.add_error(getattr(self, "given", None), sentence)
        if fields or not source:
            rest = ApplicationError(error.code, error.message, fields=fields, status=error.status)
            super().add_application_error(rest)  # type: ignore[misc]


class ApiImportForm(SourceFormMixin, ConsoleForm):
    """An API as its specification describes it."""

    layer = forms.ChoiceField(choices=Layer.choices, help_text=LAYER_HELP)
    visibility = forms.ChoiceField(
        choices=Visibility.choices, help_text="Who finds it in the developer hub.", initial=Visibility.PRIVATE
    )


class SpecificationForm(SourceFormMixin, ConsoleForm):
    """The specification of a version."""


class ApiVersionForm(SourceFormMixin, ConsoleForm):
    """A further version, with or without its specification."""

    version = forms.CharField(max_length=40, help_text="For example v2.")
    lifecycle = forms.ChoiceField(choices=Lifecycle.choices, initial=Lifecycle.STABLE)
    field_order = ("version", "lifecycle", "file", "url", "text")
    source_optional = True


class ApiVersionEditForm(ConsoleForm):
    """How far a version is."""

    lifecycle = forms.ChoiceField(choices=Lifecycle.choices)
