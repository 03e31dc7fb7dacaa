"""What an evaluation gets beside the `RequestContext`: what only the policy that evaluates knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# A policy that identifies the caller leaves what it knows of it as a note of the context under this name:
# `context.note(AUTHENTICATION, {"claims": …})` is `authentication.properties.claims` in later expressions.
AUTHENTICATION = "authentication.properties"
# The client ID, as a text, where it is not the principal: `context.note(CLIENT_ID, "7d1f…")`.
CLIENT_ID = "authentication.clientId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Values of the language, all optional. What is not given is null.

    `payload` is the body as `read_payload` returns it, also when that is a `Failure`; `vars` are the variables of the
    policy. `scheme`, `version` and `local_address` are those of the connection.
    """

    payload: Any = None
    vars: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    scheme: str | None = None
    version: str | None = None
    local_address: str | None = None

    def spend(self, steps: int) -> None:
        """Take steps in an evaluation whose steps are not counted."""


NOTHING = Given()
