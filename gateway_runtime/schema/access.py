"""What a gateway may do in Redis, as rules of an ACL user: with its own names alone, and no more than it has to.

Needs Redis 7 or Valkey: only they tell reading from writing. It may read its revisions and write none, so that only the
portal can configure it; what it reports it may write and not read.
"""

from gateway_runtime.schema import keys

# Of Redis itself, of transactions, of the pointer and what is reported, and of the scripts of shared counters.
COMMANDS = (
    "ping", "select", "time", "client|setinfo", "subscribe", "unsubscribe",
    "multi", "exec", "discard",
    "get", "set", "hset", "expire", "xadd",
    "eval", "evalsha", "hmget", "pexpire", "pttl", "zadd", "zcard", "zrem", "zremrangebyscore",
)  # fmt: skip


# Of connecting, and of reading why that is all.
REVOKED_COMMANDS = ("ping", "select", "client|setinfo", "get")


def revoked_rules(gateway: str) -> list[str]:
    """Return the rules for a gateway that was revoked: it may learn that, and nothing else."""
    name = keys.revocation(gateway)
    return ["resetkeys", "resetchannels", "-@all", f"%R~{name}", *(f"+{command}" for command in REVOKED_COMMANDS)]


def gateway_rules(gateway: str) -> list[str]:
    """Return the rules for a gateway in connected mode, to be given behind `ACL SETUSER name`."""
    return [
        "resetkeys", "resetchannels", "-@all",
        *(f"%R~{name}" for name in keys.read_by_gateway(gateway)),
        *(f"%W~{name}" for name in keys.written_by_gateway(gateway)),
        *(f"~{name}" for name in keys.used_by_gateway(gateway)),
        f"&{keys.announcements(gateway)}",
        *(f"+{command}" for command in COMMANDS),
    ]  # fmt: skip
