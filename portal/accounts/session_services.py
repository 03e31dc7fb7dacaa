"""Ending sessions."""

from django.db import transaction

from portal.accounts.models import BrowserSession, User
from portal.audit.services import audit_record


@transaction.atomic
def session_end(*, session: BrowserSession, actor: User) -> None:
    """End one session: its browser has to sign in at its next click."""
    BrowserSession.objects.filter(pk=session.pk).delete()
    assert session.user is not None
    audit_record(actor=actor, action="user.session_end", target=session.user, before={"device": session.device})


@transaction.atomic
def sessions_end(*, user: User, actor: User, keep: str | None = None) -> int:
    """End all sessions of a person but the one with the key `keep`. Return how many there were."""
    ended, _ = BrowserSession.objects.filter(user=user).exclude(session_key=keep or "").delete()
    audit_record(actor=actor, action="user.sessions_end", target=user, before={"sessions": ended})
    return ended


def sessions_forget() -> None:
    """Delete the sessions that are over: they hold the addresses of people."""
    BrowserSession.get_session_store_class().clear_expired()
