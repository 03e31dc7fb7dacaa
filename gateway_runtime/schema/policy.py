"""What a policy is: one `Config` type, one `PolicyDefinition`, one `build` function.

Everything else derives from these: the console's form, the REST serializer, file validation, the documentation page,
audit redaction, analytics labels and the compiled handler.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec


class Phase(enum.StrEnum):
    """When a handler runs.

    A body phase comes at its policy's place in the order, once the whole body has arrived: policies after it wait.
    """

    REQUEST_HEADERS = "request_headers"
    REQUEST_BODY = "request_body"
    RESPONSE_HEADERS = "response_headers"
    RESPONSE_BODY = "response_body"


class Category(enum.StrEnum):
    """The group a policy is listed under."""

    SECURITY = "Security"
    COMPLIANCE = "Compliance"
    QUALITY_OF_SERVICE = "Quality of service"
    TRANSFORMATION = "Transformation"
    TROUBLESHOOTING = "Troubleshooting"


class PolicyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Base of every policy's settings. Names in files, REST and forms are the documented camelCase ones."""


def setting(
    title: str, help: str, *, secret: bool = False, placeholder: str = "", only_with: str = "", **limits: Any
) -> msgspec.Meta:
    """Describe one setting: `Annotated[int, setting("Maximum requests", "How many …", ge=1)]`.

    `limits` are those of `msgspec.Meta` (ge, gt, le, lt, pattern, min_length, max_length). A secret is encrypted at
    rest, masked in every answer and kept when a form leaves it empty. `only_with` names a choice beside it without
    which it says nothing (`algorithm=fixed-window`): the form hides it then.
    """
    extra = {"secret": secret, "placeholder": placeholder, "only_with": only_with}
    return msgspec.Meta(title=title, description=help, extra=extra, **limits)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a policy ends a request: a stable code, the status sent and a sentence for the caller."""

    code: str
    status: int
    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What `build` returns: the closures that run per request. None where the policy has nothing to do.

    A request handler takes the `RequestContext` and returns None (continue) or a prebuilt `Response`. A handler that
    waits for I/O returns an awaitable of the same. A response handler takes the context, changes its response and
    returns None or an awaitable of None.

    A header handler that has to see the whole body of this message returns `NEEDS_BODY`: the gateway then reads it (up
    to its limit, 413 above), puts it into `context.body` (`context.response_body`) and calls the body handler, which
    may put another one there. A policy without the header handler wants every body. What can do with the body as it
    streams by does not ask for it: see `context.filter_request` and `filter_response`.
    """

    request_headers: Callable[[Any], Any] | None = None
    request_body: Callable[[Any], Any] | None = None
    response_headers: Callable[[Any], Any] | None = None
    response_body: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDefinition:
    """One policy: its names and texts, its settings type, and how it is built.

    With `answers_preflight` it runs before every other policy whatever its order, holds for a whole API, and answers
    every OPTIONS request itself, so that such a request needs no route. A policy that does not judge (`judges`) refuses
    a request only where it cannot do its work on it.
    """

    name: str
    title: str
    summary: str
    category: Category
    config: type[PolicyConfig]
    build: Callable[[Any, Any], Handlers]
    default_order: int
    phases: tuple[Phase, ...]
    example: dict[str, Any]
    refusals: tuple[Refusal, ...] = ()
    aliases: tuple[str, ...] = ()
    icon: str = "shield"
    answers_preflight: bool = False
    judges: bool = True
    documentation: str = field(default="", repr=False)

    @property
    def can_shadow(self) -> bool:
        """Tell whether it can be tried out on live traffic: it judges requests, and may refuse some."""
        judging = {Phase.REQUEST_HEADERS, Phase.REQUEST_BODY}
        return self.judges and bool(self.refusals) and not judging.isdisjoint(self.phases)

    def secret_settings(self) -> tuple[str, ...]:
        """Return the wire names of the settings that are secret."""
        return tuple(
            f.encode_name
            for f in msgspec.inspect.type_info(self.config).fields  # type: ignore[attr-defined]
            if isinstance(f.type, msgspec.inspect.Metadata) and (f.type.extra or {}).get("secret")
        )
