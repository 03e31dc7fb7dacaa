"""Forms of sign-in, registration and the account pages."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils import timezone

from portal.core.forms import ConsoleForm, ConsoleFormMixin
from portal.core.permission_areas import ALL, OWN, SEEING
from portal.core.permission_matrix import PermissionMatrix, PermissionsField

CHOOSING_HELP = "At least 10 characters. A few words that do not belong together are easy to remember."
LONGEST_PASSWORD = 256


def password_field(label: str, *, current: bool = False, help_text: str = "") -> forms.CharField:
    """Return a field for a new password, or for the current one."""
    autocomplete = "current-password" if current else "new-password"
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, max_length=LONGEST_PASSWORD, widget=widget, help_text=help_text)


class SignInForm(ConsoleFormMixin, AuthenticationForm):
    """E-mail address and password. Whatever is wrong, the sentence is the same."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is not right. Check both and try again.",
        "inactive": "The e-mail address or the password is not right. Check both and try again.",
    }
    password = password_field("Password", current=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.dress(self.fields["username"])

    def clean_username(self) -> str:
        """Bring the address to its one form, so that its spelling does not multiply the attempts."""
        return self.cleaned_data["username"].strip().lower()


class SignUpForm(ConsoleForm):
    """What a stranger tells about themselves."""

    name = forms.CharField(max_length=120, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        max_length=254, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = password_field("Password", help_text=CHOOSING_HELP)


class ForgottenPasswordForm(ConsoleForm):
    """Whose password is lost."""

    email = forms.EmailField(
        max_length=254, label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


class NameForm(ConsoleForm):
    """How a person is shown."""

    name = forms.CharField(max_length=120, label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))


class ChangePasswordForm(ConsoleForm):
    """The current and a new password."""

    current = password_field("Current password", current=True)
    password = password_field("New password", help_text=CHOOSING_HELP)


class ChoosePasswordForm(ConsoleForm):
    """The first password of an invited person."""

    password = password_field("Password", help_text=CHOOSING_HELP)


class ApiTokenForm(PermissionMatrix, ConsoleForm):
    """A token's name, how long it lasts and what it may do."""

    EVERYTHING, READING, CHOSEN = "everything", "reading", "chosen"
    SCOPES = (
        (EVERYTHING, "Everything that you may"),
        (READING, "Reading everything that you may see"),
        (CHOSEN, "Only what is ticked below"),
    )
    LASTING = (("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("never", "It does not expire"))

    name = forms.CharField(max_length=80, label="Name", help_text="Where it is used, for example: deploy pipeline.")
    lasts = forms.ChoiceField(
        label="Expires after",
        choices=LASTING,
        initial="90",
        help_text="A token that expires by itself is one less to remember.",
    )

    scope = forms.ChoiceField(
        label="What it may do",
        choices=SCOPES,
        initial=EVERYTHING,
        widget=forms.RadioSelect,
        help_text="Never more than you hold yourself at the time of a call.",
    )
    own = forms.BooleanField(
        label="Change your own applications, requests for access and tokens",
        required=False,
        help_text="Counts with what is ticked below.",
    )
    permissions = PermissionsField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer(ALL)

    def clean(self) -> dict[str, Any]:
        """Ask for a choice where there should be one."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("scope") == self.CHOSEN and not values.get("permissions") and not values.get("own"):
            self.add_error("permissions", "Tick what the token may do.")
        return values

    def granted(self) -> list[str] | None:
        """Return the permissions to which the token is limited; None for no limit."""
        values = self.cleaned_data
        if values["scope"] == self.EVERYTHING:
            return None
        if values["scope"] == self.READING:
            return sorted(SEEING)
        return [*values["permissions"], *([OWN.name] if values["own"] else [])]

    def expires_at(self) -> datetime | None:
        """Return when the token ends."""
        days = self.cleaned_data["lasts"]
        return None if days == "never" else timezone.now() + timedelta(days=int(days))
