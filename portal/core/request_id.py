"""The id of the request being answered, for whoever records or logs something on its behalf."""

from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request being answered in this context; empty in a job or a command."""
    return _current.get()


enter = _current.set
leave = _current.reset
