"""What Portico does not start with, once others than this machine reach it. Each refusal says how to mend it."""

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from portal.env import EnvError

SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 10
# Out of examples and templates.
WORN_WORDS = ("changeme", "change-me", "change_me", "insecure", "example", "default", "placeholder")


def refuse_unsafe_start(
    *, debug: bool, portal_url: str, secret_key: str, key_ring: Iterable[str], redis: Mapping[str, str],
    allow_plain_redis: bool,
) -> None:  # fmt: skip
    """Raise `EnvError` with one sentence for the first thing that is unsafe; `redis` maps variables to addresses.

    A portal whose own address is on this machine is somebody's trial: it may show errors and have any secret. Redis
    holds configuration and secrets of gateways, so an address on another machine is encrypted for everybody.
    """
    for variable, address in redis.items():
        parts = urlsplit(address)
        if parts.scheme == "redis" and not _is_here(parts.hostname or "") and not allow_plain_redis:
            raise EnvError(
                f"{variable} leads to Redis on another machine without encryption. Use rediss://, or set "
                "PORTICO_ALLOW_PLAIN_REDIS=yes where the network between them is yours alone."
            )
    if _is_here(urlsplit(portal_url).hostname or ""):
        return
    if debug:
        raise EnvError(
            f"PORTICO_DEBUG shows code and settings to whoever meets an error, and others reach {portal_url}. "
            "Remove PORTICO_DEBUG."
        )
    if _is_guessable(secret_key):
        raise EnvError(
            "PORTICO_SECRET_KEY can be guessed. Put at least 32 random characters there, for example by "
            "`openssl rand -base64 48`."
        )
    if any(_is_guessable_key(key) for key in key_ring):
        raise EnvError(
            "A key of PORTICO_KEY_RING can be guessed. Make one by `portico keys add`, or put 32 random bytes there "
            "in base64url."
        )


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_guessable(secret: str) -> bool:
    return (
        len(secret) < SHORTEST_SECRET
        or len(set(secret)) < FEWEST_CHARACTERS
        or any(word in secret.lower() for word in WORN_WORDS)
    )


def _is_guessable_key(key: str) -> bool:
    try:
        return len(set(urlsafe_b64decode(key))) < FEWEST_CHARACTERS
    except ValueError:
        # Not a key at all: whoever reads the ring says so.
        return False
