"""What people say about staging: who gets a candidate first, and what ends it."""

from typing import Any

from django import forms
from django.utils import timezone

from portal.core.forms import ConsoleForm
from portal.gateways.models import Gateway
from portal.gateways.selectors import ConnectionState, replica_state
from portal.publishing.models import RolloutKind


class TrialForm(ConsoleForm):
    """Who gets a candidate first, and by what it is undone or promoted by itself."""

    kind = forms.ChoiceField(
        label="Who gets it first",
        choices=RolloutKind,
        widget=forms.RadioSelect,
        initial=RolloutKind.PERCENT,
        help_text="Listeners and settings of the gateway hold for whole replicas: one replica takes them too, with a "
        "share of the requests they wait until the change is promoted.",
    )
    percent = forms.FloatField(
        label="Share of the requests in percent",
        min_value=0.1,
        max_value=100,
        required=False,
        initial=10,
        help_text="Each request to an API that differs is given to the one or the other by chance.",
    )
    replica_id = forms.ChoiceField(
        label="Replica", required=False, help_text="All requests of this replica get it. Only connected ones are here."
    )
    error_percent = forms.FloatField(
        label="Undo when more than this share fails, in percent",
        min_value=0,
        max_value=100,
        required=False,
        initial=5,
        help_text="What answers 5xx has failed. Leave it empty, and only people undo it.",
    )
    refusals_count = forms.BooleanField(
        label="Refusals by policies count as failed", required=False, help_text="Such as 401, 403 and 429."
    )
    minimum_requests = forms.IntegerField(
        label="Judge after so many requests", min_value=1, initial=100, help_text="Fewer say nothing."
    )
    window_minutes = forms.IntegerField(
        label="Among the requests of so many minutes", min_value=1, max_value=1440, initial=5
    )
    promote_after_minutes = forms.IntegerField(
        label="Promote after so many minutes within the budget",
        min_value=1,
        required=False,
        help_text="Once it has answered as many requests as above. Leave it empty, and only people promote it.",
    )
    groups: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("First", "", ("kind", "percent", "replica_id")),
        (
            "Error budget",
            "",
            ("error_percent", "refusals_count", "minimum_requests", "window_minutes", "promote_after_minutes"),
        ),
    )

    def __init__(self, *args: Any, gateway: Gateway, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("percent", "replica_id"):
            self.fields[name].needed = True  # type: ignore[attr-defined]
        now = timezone.now()
        connected = [
            (replica.replica_id, str(replica))
            for replica in gateway.replicas.order_by("host", "replica_id")
            if replica_state(replica, now) is ConnectionState.CONNECTED
        ]
        self.fields["replica_id"].choices = [("", "—"), *connected]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen kind needs, and leave the rest as it is."""
        values = super().clean() or {}
        if values.get("kind") == RolloutKind.PERCENT:
            if values.get("percent") is None and "percent" not in self.errors:
                self.add_error("percent", "Give a share, such as 10.")
            values["replica_id"] = ""
        elif values.get("kind") == RolloutKind.REPLICA:
            if not values.get("replica_id") and "replica_id" not in self.errors:
                self.add_error("replica_id", "Choose a replica.")
            values["percent"] = values.get("percent") or 10
        return values


class StagingForm(TrialForm):
    """What a save does on a gateway."""

    stage_changes = forms.BooleanField(
        label="Stage changes first",
        required=False,
        help_text="A saved change of an API, policy, listener or setting goes to some first. Off: it is out at once.",
    )


class PromoteForm(forms.Form):
    """The candidate that was seen when the button was pressed."""

    candidate = forms.IntegerField(min_value=1)
