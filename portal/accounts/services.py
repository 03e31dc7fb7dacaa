"""Changes to people and their credentials."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import ApiToken, BrowserSession, User
from portal.accounts.scopes import granted
from portal.accounts.tokens import digest_of, hint_of, new_token
from portal.audit.services import audit_record
from portal.core.errors import ApplicationError

MAXIMUM_TOKENS = 100


@dataclass(frozen=True, slots=True)
class NewApiToken:
    """A token just made, with its secret: the only moment in which anybody sees it."""

    token: ApiToken
    secret: str


def _checked_password(password: str, user: User) -> str:
    try:
        validate_password(password, user)
    except ValidationError as error:
        sentence = " ".join(error.messages)
        raise ApplicationError("password_too_weak", sentence, fields={"password": sentence}) from error
    return password


@transaction.atomic
def user_create(
    *,
    email: str,
    name: str,
    password: str | None = None,
    actor: User | None = None,
    email_confirmed: bool = False,
    is_operator: bool = False,
) -> User:
    """Create a person. Without a password they sign in by single sign-on or choose one by an invitation."""
    user = User(email=email, name=name, email_confirmed=email_confirmed, is_operator=is_operator)
    try:
        # Checked before the password, so that its likeness to the name and address is judged by their final form.
        user.clean_fields(exclude=["password"])
        user.clean()
        user.validate_unique()
    except ValidationError as error:
        fields = {field: " ".join(messages) for field, messages in error.message_dict.items()}
        raise ApplicationError("account_invalid", next(iter(fields.values())), fields=fields) from error
    user.set_password(_checked_password(password, user) if password is not None else None)
    user.save()
    audit_record(actor=actor or user, action="user.create", target=user, after={"email": user.email, "name": user.name})
    return user


@transaction.atomic
def user_rename(*, user: User, actor: User, name: str) -> User:
    """Change how a person is shown."""
    before, user.name = user.name, name.strip()
    user.full_clean(exclude=["password"])
    user.save(update_fields=["name", "updated_at"])
    audit_record(actor=actor, action="user.change", target=user, before={"name": before}, after={"name": user.name})
    return user


@transaction.atomic
def password_change(
    *, user: User, actor: User, password: str, current: str | None = None, keep: str | None = None
) -> User:
    """Set a new password, which ends the person's sessions but the one with the key `keep`.

    `current` is checked when it is given.
    """
    if current is not None and not user.check_password(current):
        sentence = "This is not your current password. Type the one you signed in with."
        raise ApplicationError("password_wrong", sentence, fields={"current": sentence})
    user.set_password(_checked_password(password, user))
    user.save(update_fields=["password", "updated_at"])
    BrowserSession.objects.filter(user=user).exclude(session_key=keep or "").delete()
    audit_record(actor=actor, action="user.password_change", target=user)
    return user


@transaction.atomic
def api_token_create(
    *,
    user: User,
    actor: User,
    name: str,
    expires_at: datetime | None = None,
    permissions: Iterable[str] | None = None,
    authorized_by: ApiToken | None = None,
) -> NewApiToken:
    """Make an API token for `user`, which may do at most what `permissions` name and need; None is all they may.

    A token made with another token (`authorized_by`) may neither outlive it nor do more, so that a stolen one cannot
    renew or strengthen itself.
    """
    name = name.strip()
    if not name:
        sentence = "Give the token a name that says where it is used."
        raise ApplicationError("api_token_name_missing", sentence, fields={"name": sentence})
    if expires_at is not None and expires_at <= timezone.now():
        sentence = "This is in the past. Choose a later day, or none for a token that does not expire."
        raise ApplicationError("api_token_expired", sentence, fields={"expires_at": sentence})
    limit = authorized_by.expires_at if authorized_by is not None else None
    if limit is not None and (expires_at is None or expires_at > limit):
        sentence = f"The token you are using expires on {limit:%d %B %Y}; one made with it may not last longer."
        raise ApplicationError("api_token_lasts_too_long", sentence, fields={"expires_at": sentence})
    if ApiToken.objects.usable().filter(user=user).count() >= MAXIMUM_TOKENS:
        raise ApplicationError(
            "api_token_too_many", f"You already have {MAXIMUM_TOKENS} tokens. Revoke one that is no longer used."
        )
    most = authorized_by.limit if authorized_by is not None else None
    secret = new_token()
    token = ApiToken(
        user=user, name=name, digest=digest_of(secret), hint=hint_of(secret), expires_at=expires_at,
        granted=granted(permissions, most),
    )  # fmt: skip
    token.full_clean()
    token.save()
    after = {
        "name": name, "hint": token.hint, "expires_at": expires_at.isoformat() if expires_at else None,
        "permissions": token.permissions,
    }  # fmt: skip
    audit_record(actor=actor, action="api_token.create", target=token, after=after)
    return NewApiToken(token, secret)


@transaction.atomic
def api_token_revoke(*, token: ApiToken, actor: User) -> ApiToken:
    """End a token at once. Revoking it again changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at", "updated_at"])
        audit_record(actor=actor, action="api_token.revoke", target=token, before={"hint": token.hint})
    return token


def invitation_link(*, user: User) -> str:
    """Return the address at which an invited person chooses a password. It works once, for three days."""
    token = default_token_generator.make_token(user)
    return settings.PORTAL_URL + reverse("accounts:choose_password", args=[user.pk, token])


@transaction.atomic
def user_sign_on(*, issuer: str, subject: str, email: str, email_verified: bool, name: str) -> User:
    """Return the person whom a single sign-on provider vouches for; create them, without any role, when new.

    A person is known by issuer and subject. An existing account is only ever linked by an address that the provider
    has verified; if nobody had confirmed it before, its password and tokens may be a stranger's and are ended.
    """
    known = User.objects.filter(sign_on_issuer=issuer, sign_on_subject=subject).first()
    if known is not None:
        return known
    email = email.strip().lower()
    if not email:
        raise ApplicationError(
            "sign_on_without_email", "Your sign-on provider did not tell your e-mail address. Ask who manages it."
        )
    user = User.objects.select_for_update().filter(email=email).first()
    if user is None:
        user = user_create(email=email, name=name or email, email_confirmed=email_verified)
    elif not email_verified or user.sign_on_subject:
        raise ApplicationError(
            "sign_on_not_linked",
            "There is already an account with this address that your sign-on cannot be linked to. "
            "Sign in with its password, or ask who manages your sign-on to verify the address.",
        )
    elif not user.email_confirmed:
        user.set_unusable_password()
        BrowserSession.objects.filter(user=user).delete()
        ApiToken.objects.usable().filter(user=user).update(revoked_at=timezone.now())
    user.sign_on_issuer, user.sign_on_subject = issuer, subject
    user.email_confirmed = user.email_confirmed or email_verified
    user.full_clean(exclude=["password"])
    user.save()
    audit_record(actor=user, action="user.sign_on_link", target=user, after={"issuer": issuer, "subject": subject})
    return user
