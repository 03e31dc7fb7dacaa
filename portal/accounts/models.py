"""Users, API tokens and sessions."""

import hashlib
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone

from portal.core.models import Record
from portal.core.permission_areas import SEEING, in_order


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user. Without a password the account cannot sign in locally."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail address, whatever its case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, Record):
    """A person. What they may do is said by role bindings (see `organizations`)."""

    # Always lower case: one mailbox is one account.
    email = models.EmailField(unique=True, error_messages={"unique": "There is already an account with this address."})
    # False while only the person says so: whoever registers may type anybody's address.
    email_confirmed = models.BooleanField(default=False)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    # Whoever set up the installation: may make organizations. Holds no permission inside them by itself.
    is_operator = models.BooleanField(default=False)
    # Who vouches for this person at single sign-on: a subject means nothing without its issuer.
    sign_on_issuer = models.CharField(max_length=255, blank=True)
    sign_on_subject = models.CharField(max_length=255, blank=True)

    # Set where the person is here by a token that may do only some of what they may; None is no limit.
    limit: frozenset[str] | None = None

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name", "email"]
        constraints = [
            models.UniqueConstraint(
                fields=["sign_on_issuer", "sign_on_subject"],
                condition=~models.Q(sign_on_subject=""),
                name="sign_on_identity_once",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        """Bring the address to its one form."""
        self.email = self.email.strip().lower()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens belong to people, not to organizations."""

    def visible_to(self, user: Any, permission: str = "") -> Self:
        """Return the user's own tokens: nobody else ever sees them, whatever the permission."""
        return self.filter(user=user) if user.is_authenticated else self.none()

    def usable(self) -> Self:
        """Return the tokens that are neither revoked nor expired."""
        lasting = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=timezone.now())
        return self.filter(lasting, revoked_at__isnull=True)


class ApiToken(Record):
    """A credential for pipelines. Only its digest is kept; `hint` is its recognisable beginning."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=24)
    # Names of permissions with a space around each; empty for all that its person holds.
    granted = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager.from_queryset(ApiTokenQuerySet)()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def limit(self) -> frozenset[str] | None:
        """Return what it may do at most, of what its person holds at the time; None for all of it."""
        return frozenset(self.granted.split()) if self.granted else None

    @property
    def permissions(self) -> list[str] | None:
        """Return the same in the order of the matrix."""
        return None if self.limit is None else in_order(self.limit)

    @property
    def scope(self) -> str:
        """Say it in words."""
        if self.limit is None:
            return "Everything you may"
        return "Reading" if self.limit <= SEEING else "Some of what you may"

    @property
    def state(self) -> str:
        """Tell whether it opens anything: active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "active"


def session_id(session_key: str) -> UUID:
    """Return what a session is called in addresses: its key would let whoever reads it in."""
    return UUID(bytes=hashlib.sha256(session_key.encode()).digest()[:16])


class BrowserSessionQuerySet(models.QuerySet["BrowserSession"]):
    """Sessions belong to people, not to organizations."""

    def visible_to(self, user: Any, permission: str = "") -> Self:
        """Return the user's own sessions that go on: nobody else ever sees them, whatever the permission."""
        return self.filter(user=user, expire_date__gt=timezone.now()) if user.is_authenticated else self.none()


class BrowserSession(AbstractBaseSession):
    """A session. `user` is empty before somebody signs in. See `session_store`."""

    id = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="browser_sessions")
    device = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=45, blank=True)
    begun_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()

    objects = BaseSessionManager.from_queryset(BrowserSessionQuerySet)()  # type: ignore[misc]

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self) -> str:
        return self.device

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Return the store that writes these rows."""
        from portal.accounts.session_store import SessionStore

        return SessionStore
