"""Questions about people and their credentials."""

from uuid import UUID

from django.db.models import Q, QuerySet

from portal.accounts.models import User
from portal.audit.models import AuditEvent


def user_by_email(email: str) -> User | None:
    """Return the person with this address, whatever its case."""
    return User.objects.filter(email=email.strip().lower()).first()


def invited_user(user_id: UUID) -> User | None:
    """Return an active person who has not chosen a password yet."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return user if user is not None and not user.has_usable_password() else None


def account_events_of(user: User) -> QuerySet[AuditEvent]:
    """Return what a person did outside of organizations, and what was done to their account, newest first."""
    theirs = Q(actor_id=user.pk) | Q(target_type="user", target_id=str(user.pk))
    return AuditEvent.objects.filter(theirs, organization_id__isnull=True)
