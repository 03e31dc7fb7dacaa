"""Every Redis name that Portico uses. No other module spells one.

All names of a gateway begin with its id, and none is shared: so a user of Redis can be limited to one gateway.
"""


def pointer(gateway: str) -> str:
    """Key of the current revision number of a gateway (a decimal string). A gateway polls only this."""
    return f"portico:gateway:{gateway}:pointer"


def revision(gateway: str, number: int) -> str:
    """Key of one sealed revision (see `envelope`)."""
    return f"portico:gateway:{gateway}:revision:{number}"


def announcements(gateway: str) -> str:
    """Channel on which a new revision number is published."""
    return f"portico:gateway:{gateway}:announcements"


def replicas(gateway: str) -> str:
    """Hash of replica id to `ReplicaStatus` as JSON."""
    return f"portico:gateway:{gateway}:replicas"


def acknowledgements(gateway: str, number: int) -> str:
    """Hash of replica id to `Acknowledgement` as JSON, for one revision."""
    return f"portico:gateway:{gateway}:acknowledgements:{number}"


def revocation(gateway: str) -> str:
    """Key of what ends the registrations of a gateway (see `revocation`). All that a revoked one may read."""
    return f"portico:gateway:{gateway}:revocation"


def telemetry(gateway: str) -> str:
    """Stream of what a gateway counts."""
    return f"portico:gateway:{gateway}:telemetry"


def traces(gateway: str) -> str:
    """Stream of what a gateway tells of single requests."""
    return f"portico:gateway:{gateway}:traces"


def exported(gateway: str, replica: str) -> str:
    """Key of the mark of the last telemetry batch of a replica, written in one transaction with the batch."""
    return f"portico:gateway:{gateway}:exported:{replica}"


def counter(gateway: str, digest: str) -> str:
    """Key of what one caller has used of the limits of one policy. Only the digest decides on the slot of a cluster."""
    return f"portico:gateway:{gateway}:counter:{{{digest}}}"


def cached(gateway: str, digest: str) -> str:
    """Key of one value in a cache of one policy."""
    return f"portico:gateway:{gateway}:cached:{{{digest}}}"


def limiters(gateway: str) -> str:
    """Sorted set of the limiters (worker processes) of a gateway by when they were heard last."""
    return f"portico:gateway:{gateway}:limiters"


def access() -> str:
    """Hash of the Redis users of gateways to the rules that they were given last, so that changed ones are noticed."""
    return "portico:access"


def read_by_gateway(gateway: str) -> list[str]:
    """Patterns of what a gateway reads and only the portal writes."""
    return [pointer(gateway), f"portico:gateway:{gateway}:revision:*", revocation(gateway)]


def written_by_gateway(gateway: str) -> list[str]:
    """Patterns of what a gateway writes and only the portal reads."""
    return [replicas(gateway), f"portico:gateway:{gateway}:acknowledgements:*", telemetry(gateway), traces(gateway)]


def used_by_gateway(gateway: str) -> list[str]:
    """Patterns of what the replicas of a gateway have for themselves."""
    prefix = f"portico:gateway:{gateway}:"
    return [f"{prefix}exported:*", f"{prefix}counter:*", f"{prefix}cached:*", limiters(gateway)]
