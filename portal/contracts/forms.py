"""The form of an SLA tier."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import BoundField

from gateway_runtime.schema.calendar_period import CalendarPeriod
from portal.contracts.limits import (
    CALENDAR_PERIOD,
    LONGEST_PERIOD_MS,
    MAXIMUM_REQUESTS,
    MOST_LIMITS,
    MOST_REQUESTS,
    TIME_PERIOD,
)
from portal.contracts.models import Approval, SlaTier
from portal.core.forms import ConsoleForm

UNITS = {
    "seconds": 1_000,
    "minutes": 60_000,
    "hours": 3_600_000,
    "days": 86_400_000,
}
USUAL_UNIT = "minutes"
UNIT_CHOICES = [
    ("Any time of this length", [(unit, unit) for unit in UNITS]),
    ("By the calendar", [(str(period), f"calendar {period}") for period in CalendarPeriod]),
]
LEAST_ROWS = 2


class TierForm(ConsoleForm):
    """A tier: its name, how it is granted, and rows of limits of which empty ones do not count."""

    name = forms.CharField(max_length=80, help_text="As developers see it when they choose, for example “Gold”.")
    description = forms.CharField(
        max_length=250, required=False, help_text="One sentence: for whom it is, what it costs."
    )
    approval = forms.ChoiceField(
        choices=Approval.choices, widget=forms.RadioSelect, initial=Approval.MANUAL, label="Requests for this tier"
    )

    def __init__(self, *args: Any, tier: SlaTier | None = None, **kwargs: Any) -> None:
        limits = tier.limits if tier is not None else []
        if tier is not None:
            given = {"name": tier.name, "description": tier.description, "approval": tier.approval}
            kwargs["initial"] = {**given, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        typed = sum(name.startswith("requests_") for name in self.data)
        self.row_count = min(MOST_LIMITS, max(LEAST_ROWS, len(limits) + 1, typed))
        for row in range(self.row_count):
            self._add_row(row, limits[row] if row < len(limits) else None)

    def _add_row(self, row: int, limit: dict[str, Any] | None) -> None:
        period, unit = self._in_units(limit) if limit else (1, USUAL_UNIT)
        requests = forms.IntegerField(
            min_value=1,
            max_value=MOST_REQUESTS,
            required=False,
            label="Requests",
            initial=(limit or {}).get(MAXIMUM_REQUESTS),
        )
        self.fields[f"requests_{row}"] = requests
        self.fields[f"period_{row}"] = forms.FloatField(min_value=0.001, required=False, label="In", initial=period)
        self.fields[f"unit_{row}"] = forms.ChoiceField(choices=UNIT_CHOICES, required=False, label="Unit", initial=unit)
        for name in ("requests", "period", "unit"):
            self.dress(self.fields[f"{name}_{row}"])

    @staticmethod
    def _in_units(limit: dict[str, Any]) -> tuple[float, str]:
        if CALENDAR_PERIOD in limit:
            return 1, limit[CALENDAR_PERIOD]
        period_ms = limit[TIME_PERIOD]
        unit = next((unit for unit, length in reversed(UNITS.items()) if period_ms % length == 0), "seconds")
        count = period_ms / UNITS[unit]
        return (int(count) if count.is_integer() else count), unit

    def part_of(self, name: str) -> str:
        """Let all limits be one part."""
        return "limits" if self.row_of(name) else name

    def row_of(self, name: str) -> str:
        """Return the number of a limit's row."""
        _, _, number = name.rpartition("_")
        return number if number.isdecimal() else ""

    def row_counts(self, fields: Mapping[str, str]) -> bool:
        """Leave rows out that have no number of requests."""
        return all(value for name, value in fields.items() if name.startswith("requests_"))

    def part_label(self, part: str) -> str:
        """Return the name of a field, or of the limits."""
        return "Limits" if part == "limits" else super().part_label(part)

    def limit_rows(self) -> list[tuple[BoundField, BoundField, BoundField]]:
        """Return the fields of each row, for the template."""
        return [(self[f"requests_{row}"], self[f"period_{row}"], self[f"unit_{row}"]) for row in range(self.row_count)]

    def clean(self) -> dict[str, Any]:
        """Turn the rows into limits."""
        cleaned = super().clean() or {}
        limits = []
        for row in range(self.row_count):
            requests = cleaned.get(f"requests_{row}")
            period, unit = cleaned.get(f"period_{row}"), cleaned.get(f"unit_{row}") or USUAL_UNIT
            if requests is None:
                continue
            if unit not in UNITS:
                if period not in (None, 1):
                    self.add_error(f"period_{row}", f"By the calendar a limit is for one {unit}.")
                limits.append({MAXIMUM_REQUESTS: requests, CALENDAR_PERIOD: unit})
                continue
            if period is None:
                self.add_error(f"period_{row}", "Say in how much time.")
                continue
            period_ms = round(period * UNITS[unit])
            if not 1_000 <= period_ms <= LONGEST_PERIOD_MS:
                self.add_error(f"period_{row}", "Use a time from one second to 366 days.")
                continue
            limits.append({MAXIMUM_REQUESTS: requests, TIME_PERIOD: period_ms})
        values: dict[str, Any] = {
            name: cleaned[name] for name in ("name", "description", "approval") if name in cleaned
        }
        return {**values, "limits": limits}
