"""The form that starts tracing."""

from django import forms

from portal.core.forms import ConsoleForm
from portal.traces.services import DEFAULT_MINUTES

MINUTES = ((1, "1 minute"), (DEFAULT_MINUTES, "5 minutes"), (15, "15 minutes"), (60, "1 hour"))


class TraceStartForm(ConsoleForm):
    """For how long."""

    minutes = forms.TypedChoiceField(
        label="Trace for",
        coerce=int,
        choices=MINUTES,
        initial=DEFAULT_MINUTES,
        help_text="Then the token is worth nothing, and tracing has ended by itself.",
    )
