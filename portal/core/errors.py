"""The one error that services raise about input and state."""

from collections.abc import Mapping


class ApplicationError(Exception):
    """Something a person can mend: a stable code, one clear sentence, and sentences by field.

    Views show it beside the fields, REST answers `{"code", "message", "fields"}` with `status`.
    """

    def __init__(self, code: str, message: str, *, fields: Mapping[str, str] | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = dict(fields or {})
        self.status = status
