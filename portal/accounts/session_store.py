"""Where sessions are kept: rows that know whose they are, so that people see and end them.

What a person is shown of a session travels in the session itself, under `ABOUT`, and is copied to the row when that
is saved.
"""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.accounts.models import BrowserSession, session_id

ABOUT = "about_session"


class SessionStore(DatabaseStore):
    """Keeps sessions as `BrowserSession`. `row` is what was read from the database, without another query."""

    row: BrowserSession | None = None

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        """Return the model."""
        return BrowserSession

    def _get_session_from_db(self) -> BrowserSession | None:
        self.row = super()._get_session_from_db()  # type: ignore[misc]
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """Copy to the row what is said of the session."""
        row: Any = super().create_model_instance(data)
        about = data.get(ABOUT, {})
        row.id = session_id(row.session_key)
        row.user_id = data.get(SESSION_KEY) or None
        row.device, row.address = about.get("device", ""), about.get("address", "")
        row.begun_at = parse_datetime(about["begun_at"]) if "begun_at" in about else None
        row.last_seen_at = timezone.now()
        return row
