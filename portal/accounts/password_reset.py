"""Getting back into an account whose password is lost: a link by mail that works once, and not for long.

Nobody learns here which addresses have accounts. A request only leaves a job with the address as it was typed; the job
looks it up, makes the link and sends the mail. So the answer is the same, takes the same time, and no link lies in the
queue.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.http import base36_to_int

from portal.accounts.limits import within_limit
from portal.accounts.models import ApiToken, User
from portal.accounts.services import password_change
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError
from portal.core.mail import mail_send_here

LASTS = timedelta(minutes=30)
MAILS_PER_HOUR = 3
HOUR = 3600


class ResetTokens(PasswordResetTokenGenerator):
    """Tokens that no invitation's link is taken for, nor the other way round.

    A token is made of the password's hash and the last sign-in: either of them anew, and it is worth nothing.
    """

    key_salt = "portal.accounts.password_reset"

    def check_token(self, user: User | None, token: str | None) -> bool:
        """Tell whether the token was made for this person as they are now, and not too long ago."""
        if user is None or not token or not super().check_token(user, token):
            return False
        made = base36_to_int(token.partition("-")[0])
        return self._num_seconds(self._now()) - made <= LASTS.total_seconds()


reset_tokens = ResetTokens()


def resettable_user(user_id: UUID, token: str) -> User | None:
    """Return the person whose password this link resets, or None when it does not work (any more)."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    usable = user is not None and user.has_usable_password() and reset_tokens.check_token(user, token)
    return user if usable else None


def password_reset_mail(*, email: str, request_id: str) -> None:
    """Mail the person of this address a link, if there is such a person. Called by a job.

    One mailbox gets a few such mails an hour at most, whoever asks for them.
    """
    user = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if user is None or not within_limit(f"reset-mail:{user.pk}", limit=MAILS_PER_HOUR, seconds=HOUR):
        return
    link = ""
    if user.has_usable_password():
        path = reverse("accounts:password_reset", args=[user.pk, reset_tokens.make_token(user)])
        link = settings.PORTAL_URL + path
    context = {"user": user, "link": link, "minutes": int(LASTS.total_seconds() // 60)}
    audit_record(actor=None, action="user.password_reset_request", target=user, request_id=request_id)
    mail_send_here(
        template="accounts/email/password_reset",
        subject="Your password for Portico",
        address=user.email,
        context=context,
    )


@transaction.atomic
def password_reset(*, user_id: UUID, token: str, password: str) -> User:
    """Set a new password by a link, which ends all sessions.

    Whoever opens the link reads the mailbox. If nobody had confirmed the address before, the account may be a
    stranger's who typed it: then their tokens end too.
    """
    # Of two uses of one link at the same moment, the second waits here and finds it used.
    User.objects.select_for_update().filter(pk=user_id).first()
    user = resettable_user(user_id, token)
    if user is None:
        raise ApplicationError(
            "password_reset_used", "This link does not work any more. Ask for a new one.", status=410
        )
    password_change(user=user, actor=user, password=password)
    if not user.email_confirmed:
        ApiToken.objects.usable().filter(user=user).update(revoked_at=timezone.now())
        user.email_confirmed = True
        user.save(update_fields=["email_confirmed", "updated_at"])
    return user
