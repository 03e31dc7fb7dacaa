"""The users of Redis that gateways are: one for each credential, limited to the names of its gateway.

Redis forgets users when it starts without a file for them, and a server that takes over knows none. So what ought to be
there is looked at every few seconds (`access_keep`), also where a change has just been made.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import redis
from django.conf import settings

from gateway_runtime.schema import keys
from gateway_runtime.schema.access import gateway_rules, revoked_rules
from portal.core.errors import ApplicationError
from portal.core.redis import connection
from portal.gateways.registration_models import GatewayCredential, Revocation

log = logging.getLogger(__name__)


def access_url(credential: GatewayCredential) -> str:
    """Return the address of Redis with the credential's user. Without such users it is the one of the settings."""
    if not settings.REDIS_ACL:
        return str(settings.GATEWAY_REDIS_URL)
    parts = urlsplit(settings.GATEWAY_REDIS_URL)
    place = parts.netloc.rpartition("@")[2]
    # These would win over what stands before the host.
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("username", "password")]
    who = f"{credential.user}:{quote(credential.password, safe='')}@{place}"
    return parts._replace(netloc=who, query=urlencode(query)).geturl()


def access_grant(credential: GatewayCredential) -> None:
    """Make the user of a credential. Raises `ApplicationError` where Redis does not let us."""
    if not settings.REDIS_ACL:
        return
    try:
        _write(connection(), [_User.of(credential)])
    except redis.ResponseError as error:
        raise ApplicationError("redis_acl_refused", _refused(error), status=503) from error
    except redis.RedisError as error:
        raise ApplicationError(
            "redis_away", "Redis does not answer just now. Try again; the token has not been used.", status=503
        ) from error


def access_keep(*, client: "redis.Redis | None" = None) -> None:
    """Bring what Redis knows of gateways to what it ought to know: which are revoked, and who may do what."""
    client = client or connection()
    _keep_notices(client)
    if settings.REDIS_ACL:
        try:
            _keep_users(client)
        except redis.ResponseError as error:
            log.warning("%s", _refused(error))


def _keep_notices(client: "redis.Redis") -> None:
    """Put the notice of every revocation where replicas look for it. Of several of one gateway the last counts."""
    notices = {str(each.gateway_id): bytes(each.notice) for each in Revocation.objects.order_by("created_at")}
    if not notices:
        return
    with client.pipeline(transaction=False) as pipe:
        for gateway in notices:
            pipe.get(keys.revocation(gateway))
        there = pipe.execute()
    with client.pipeline(transaction=True) as pipe:
        for (gateway, notice), found in zip(notices.items(), there, strict=True):
            if found != notice:
                pipe.set(keys.revocation(gateway), notice)
                # Replicas look now, not within the second.
                pipe.publish(keys.announcements(gateway), "0")
        pipe.execute()


def _keep_users(client: "redis.Redis") -> None:
    """Make every user that is not there, or has other rules than it ought to have."""
    wanted = _wanted()
    if not wanted:
        return
    with client.pipeline(transaction=False) as pipe:
        pipe.execute_command("ACL", "USERS")
        pipe.hgetall(keys.access())
        there, stamps = pipe.execute()
    users = {_text(user) for user in there}
    known = {_text(user): _text(stamp) for user, stamp in stamps.items()}
    missing = [each for each in wanted if each.name not in users or known.get(each.name) != each.stamp]
    if missing:
        _write(client, missing)
        log.info("Gave %d users of gateways their rules in Redis.", len(missing))


@dataclass(frozen=True, slots=True)
class _User:
    """A user of Redis as it ought to be. The password's digest is asked for only where it has to be written."""

    name: str
    rules: list[str]
    digest: Callable[[], str]
    ended: bool

    @classmethod
    def of(cls, credential: GatewayCredential) -> "_User":
        """Return the user of a credential. One that has ended may still learn that it is revoked."""
        gateway, ended = str(credential.gateway_id), credential.ended_at is not None
        rules = revoked_rules(gateway) if ended else gateway_rules(gateway)
        return cls(credential.user, rules, lambda: credential.password_digest, ended)

    @property
    def stamp(self) -> str:
        """Return what tells these rules from others."""
        return hashlib.sha256(" ".join(self.rules).encode()).hexdigest()


def _wanted() -> list[_User]:
    """Return the users of all gateways, also of those that were removed."""
    # Secrets are read of those alone that are missing.
    credentials = GatewayCredential.objects.only("gateway_id", "number", "ended_at")
    found = {user.name: user for user in map(_User.of, credentials)}
    for revocation in Revocation.objects.all():
        rules = revoked_rules(str(revocation.gateway_id))
        for name, digest in revocation.users.items():
            found.setdefault(name, _User(name, rules, partial(str, digest), True))
    return list(found.values())


def _write(client: "redis.Redis", users: list[_User]) -> None:
    """Give users their rules in one transaction, end the connections of those that have less, and keep that."""
    with client.pipeline(transaction=True) as pipe:
        for user in users:
            pipe.execute_command("ACL", "SETUSER", user.name, "reset", "on", f"#{user.digest()}", *user.rules)
            pipe.hset(keys.access(), user.name, user.stamp)
        pipe.execute()
    for user in users:
        if user.ended:
            client.execute_command("CLIENT", "KILL", "USER", user.name)
    with suppress(redis.ResponseError):  # it has no file for users
        client.execute_command("ACL", "SAVE")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _refused(error: Exception) -> str:
    return (
        f"Redis lets the portal make no users for gateways ({error}). Use Redis 7, Valkey 7.2 or newer and a user that "
        "may do ACL, or set PORTICO_REDIS_ACL=no: then every gateway gets the portal's own access to Redis."
    )
